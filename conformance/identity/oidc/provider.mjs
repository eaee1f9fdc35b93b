// A real provider of OpenID Connect on loopback: `node provider.mjs PORT REDIRECT…`. Any name logs in, with any password but
// "wrong". The client `cloud` gets tokens that only the provider can read; those of `cli` and `calendar` are signed, each
// for itself, with a key that is new at each start. Of `nobody` the provider tells no address, and what `moth` is given
// lives for a second.
import { generateKeyPairSync } from 'node:crypto'
import { Provider } from 'oidc-provider'

const [port, ...redirects] = process.argv.slice(2)
const issuer = `http://127.0.0.1:${port}`
const device = 'urn:ietf:params:oauth:grant-type:device_code'
const grants = ['authorization_code', 'client_credentials', 'password', device]
const scope = 'openid email profile'
const signed = { cli: 'https://cloud', calendar: 'https://calendar' }
const client = id => ({
  client_id: id, client_secret: `${id} secret`, redirect_uris: redirects, grant_types: grants, response_types: ['code'],
})
const claims = id => ({
  sub: id, preferred_username: id, email: id === 'nobody' ? undefined : `${id}@example.org`,
  groups: id === 'ann' ? ['staff', 'ops'] : ['guests'],
})
const resource = id => ({ scope, audience: id, accessTokenFormat: 'jwt' })

const provider = new Provider(issuer, {
  clients: ['cloud', 'cli', 'calendar', 'stranger'].map(client),
  jwks: { keys: [generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ format: 'jwk' })] },
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
      defaultResource: ctx => signed[ctx.oidc.client?.clientId],
      useGrantedResource: () => true,
      getResourceServerInfo: (_, indicator) => resource(Object.keys(signed).find(id => signed[id] === indicator)),
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
  const { client } = ctx.oidc
  const grant = new provider.Grant({ accountId: username, clientId: client.clientId })
  grant.addOIDCScope(scope)
  const indicator = signed[client.clientId]
  const token = new provider.AccessToken({
    accountId: username, client, gty: 'password', grantId: await grant.save(), scope,
    expiresIn: username === 'moth' ? 1 : undefined,
    resourceServer: indicator && new provider.ResourceServer(indicator, resource(client.clientId)),
  })
  ctx.body = { access_token: await token.save(), token_type: 'Bearer', expires_in: token.expiration }
}, ['username', 'password', 'scope'], new Set())

provider.listen(Number(port), '127.0.0.1', () => console.log(issuer))
