// A real provider of OpenID Connect on loopback: `node provider.mjs PORT REDIRECT`. Any name logs in, with any password but
// "wrong". The client `cloud` gets tokens that only the provider can read; those of `cli` are signed.
import { Provider } from 'oidc-provider'

const [port, redirect] = process.argv.slice(2)
const issuer = `http://127.0.0.1:${port}`
const device = 'urn:ietf:params:oauth:grant-type:device_code'
const grants = ['authorization_code', 'client_credentials', 'password', device]
const client = id => ({
  client_id: id, client_secret: `${id} secret`, redirect_uris: [redirect], grant_types: grants, response_types: ['code'],
})
const claims = id => ({
  sub: id, preferred_username: id, email: `${id}@example.org`, groups: id === 'ann' ? ['staff', 'ops'] : ['guests'],
})

const provider = new Provider(issuer, {
  clients: [client('cloud'), client('cli'), client('stranger')],
  scopes: ['openid', 'email', 'profile', 'groups'],
  claims: { openid: ['sub'], email: ['email'], profile: ['preferred_username', 'groups'] },
  conformIdTokenClaims: false,
  pkce: { required: () => false },
  findAccount: (_, id) => ({ accountId: id, claims: () => claims(id) }),
  extraTokenClaims: (_, token) => token.accountId ? claims(token.accountId) : { preferred_username: 'robot' },
  features: {
    clientCredentials: { enabled: true },
    deviceFlow: { enabled: true },
    introspection: { enabled: true },
    resourceIndicators: {
      enabled: true,
      defaultResource: ctx => ctx.oidc.client?.clientId === 'cli' ? 'https://cloud' : undefined,
      useGrantedResource: () => true,
      getResourceServerInfo: () => ({ scope: 'openid email profile', audience: 'cli', accessTokenFormat: 'jwt' }),
    },
  },
})

// Names and passwords: a way that providers still have, and this one only here.
provider.registerGrantType('password', async ctx => {
  const { username, password } = ctx.oidc.params
  if (password === 'wrong') {
    ctx.status = 400
    ctx.body = { error: 'invalid_grant' }
    return
  }
  const grant = new provider.Grant({ accountId: username, clientId: ctx.oidc.client.clientId })
  grant.addOIDCScope('openid email profile')
  const token = new provider.AccessToken({
    accountId: username, client: ctx.oidc.client, gty: 'password', grantId: await grant.save(), scope: 'openid email profile',
  })
  ctx.body = { access_token: await token.save(), token_type: 'Bearer', expires_in: token.expiration }
}, ['username', 'password', 'scope'], new Set())

provider.listen(Number(port), '127.0.0.1', () => console.log(issuer))
