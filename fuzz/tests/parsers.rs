//! Parsers by themselves: none panics, whatever it is given, and each keeps its word.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use fuzz::{anything, damaged, damaged_body, damaged_text};
use identity::import::{Estate, TABLES, Wishes};
use identity::model::fernet::{self, Key};
use identity::model::jws::{self, Pair};
use identity::model::mapping::{Mapping, apply, literal, schema};
use identity::model::signed_request::Signed;
use identity::model::token::{Payload, Scope};
use identity::oidc::jwt::Jwt;
use inspect::{Stream, inspect};
use kernel::Micros;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};
use std::io::Cursor;
use store::foreign::Tables;

const DECLARED: &[&str] =
    &["raw", "qcow2", "vmdk", "vdi", "vhd", "vhdx", "iso", "ami", "ari", "aki", "ploop", ""];

/// The example of RFC 5849.
const OAUTH: &str = "OAuth realm=\"Photos\", oauth_consumer_key=\"dpf43f3p2l4k3l03\", oauth_token=\"hh5s93j4hdidpola\", \
    oauth_signature_method=\"HMAC-SHA1\", oauth_timestamp=\"137131201\", oauth_nonce=\"walatlh\", \
    oauth_verifier=\"hfdp7dh39dks9884\", oauth_signature=\"gKgrFCywp7rO0OXSjdot%2FIHF7IU%3D\"";

fn at(length: usize, pieces: &[(usize, &[u8])]) -> Vec<u8> {
    let mut image = vec![0; length];
    for (at, bytes) in pieces {
        image[*at..*at + bytes.len()].copy_from_slice(bytes);
    }
    image
}

fn qcow2() -> Vec<u8> {
    at(
        4 << 16,
        &[
            (0, b"QFI\xfb\0\0\0\x03"),
            (20, &16_u32.to_be_bytes()),
            (24, &(1_u64 << 30).to_be_bytes()),
            (36, &2_u32.to_be_bytes()),
            (40, &(3_u64 << 16).to_be_bytes()),
            (48, &(1_u64 << 16).to_be_bytes()),
            (56, &1_u32.to_be_bytes()),
            (96, &4_u32.to_be_bytes()),
            (100, &104_u32.to_be_bytes()),
        ],
    )
}

fn vmdk() -> Vec<u8> {
    let descriptor =
        b"# Disk DescriptorFile\nversion=1\nCID=1\nparentCID=ffffffff\ncreateType=\"monolithicSparse\"\n\
                       RW 2048 SPARSE \"disk.vmdk\"\n";
    at(
        1 << 17,
        &[
            (0, b"KDMV\x01\0\0\0\x03\0\0\0"),
            (12, &2048_u64.to_le_bytes()),
            (20, &128_u64.to_le_bytes()),
            (28, &1_u64.to_le_bytes()),
            (36, &20_u64.to_le_bytes()),
            (512, descriptor),
        ],
    )
}

fn images() -> Vec<Vec<u8>> {
    vec![
        qcow2(),
        vmdk(),
        at(1 << 17, &[(0, b"vhdxfile"), (65536, b"head"), (65536 * 3 / 2, b"regi")]),
        at(1 << 16, &[(0, b"conectix"), (512, b"cxsparse")]),
        at(
            1 << 16,
            &[
                (0, b"<<< Oracle VM VirtualBox Disk Image >>>\n"),
                (64, &0xbeda_107f_u32.to_le_bytes()),
                (68, &[1, 0, 1, 0]),
            ],
        ),
        at(1 << 17, &[(0x8000, b"\x01CD001\x01")]),
        at(1 << 16, &[(510, b"\x55\xaa"), (512, b"EFI PART")]),
        b"LUKS\xba\xbe\0\x01".repeat(200),
        vec![0; 2048],
    ]
}

fn tokens() -> Vec<Vec<u8>> {
    let id = "0123456789abcdef0123456789abcdef".to_owned();
    let payload = |scope| Payload {
        user_id: id.clone(),
        methods: vec!["password".to_owned(), "token".to_owned()],
        scope,
        expires_at: Micros(1_800_000_000_000_000),
        audit_ids: vec!["AAAAAAAAAAAAAAAAAAAAAA".to_owned()],
        delegation: None,
    };
    let scopes =
        [Scope::Unscoped, Scope::System, Scope::Project(id.clone()), Scope::Domain("default".to_owned())];
    scopes.into_iter().map(|scope| payload(scope).pack()).collect()
}

proptest! {
    /// What the beginning of an image is refused for, the whole is refused for as well, however it is cut.
    #[test]
    fn an_image(image in damaged(images(), 1 << 16), declared in select(DECLARED), piece in 1_usize..200_000) {
        let whole = inspect(declared, &mut Cursor::new(&image));
        let mut stream = Stream::new(declared);
        let fed = image.chunks(piece).try_for_each(|chunk| stream.feed(chunk));
        if fed.and_then(|()| stream.finish()).is_err() {
            prop_assert!(whole.is_err());
        }
        if let Ok(found) = whole {
            prop_assert_eq!(found.bytes, image.len() as u64);
        }
    }

    /// What unpacks packs to something that means the same.
    #[test]
    fn what_a_token_says(bytes in damaged(tokens(), usize::MAX)) {
        if let Some(payload) = Payload::unpack(&bytes) {
            let again = Payload::unpack(&payload.pack());
            prop_assert!(again.is_none_or(|again| again.user_id == payload.user_id && again.scope == payload.scope));
        }
    }

    /// No damage to a token leaves one that opens, but for the bits at its end that its alphabet does not use.
    #[test]
    fn a_tokens_seal(text in damaged_text(&[&sealed()])) {
        if let Some((message, seconds)) = fernet::open(&[key()], &text) {
            prop_assert_eq!((message.as_slice(), seconds), (&b"what it says"[..], 1_800_000_000));
        }
    }

    /// No damage to a signed token leaves one that says something else, but for the bits that its alphabet does not use.
    #[test]
    fn a_tokens_signature(text in damaged_text(&[&jws::sign(&pair(), &said(), Micros(1_800_000_000_000_000)).unwrap()])) {
        if let Some((payload, issued_at)) = jws::read(&[*pair().public()], &text) {
            prop_assert_eq!((payload, issued_at), (said(), Micros(1_800_000_000_000_000)));
        }
    }

    /// Whatever a token of that form claims is read, or refused: with a signature that is right.
    #[test]
    fn what_a_signed_token_claims(claims in damaged_text(&[
        r#"{"sub":"u","iat":1,"exp":2,"openstack_methods":["password"],"openstack_audit_ids":["a"],"openstack_project_id":"p"}"#,
        r#"{"sub":"u","iat":-1,"exp":9e99,"openstack_methods":[],"openstack_audit_ids":["a","b"],"openstack_system":"all"}"#,
    ]), header in damaged_text(&[r#"{"alg":"ES256","typ":"JWT"}"#])) {
        if let Some((payload, issued_at)) = jws::read(&[*pair().public()], &jws::signed(&pair(), &header, &claims).unwrap()) {
            let again = jws::sign(&pair(), &payload, issued_at).unwrap();
            prop_assert_eq!(jws::read(&[*pair().public()], &again), Some((payload, issued_at)));
        }
    }

    /// A header of OAuth 1.0 is read, or is none; and no damage leaves the signature right of what says something else.
    #[test]
    fn a_signed_request(header in damaged_text(&[OAUTH])) {
        if let Some(signed) = Signed::of(&header) {
            let signed = signed.at("https", "photos.example.net", "/token");
            let _ = signed.flaw(Micros(1_800_000_000_000_000));
            prop_assert!(!signed.is_by("", ""));
            if signed.is_by("kd94hf93k423kf44", "hdhd0244k9j7ao03") {
                prop_assert_eq!((signed.consumer(), signed.verifier()), ("dpf43f3p2l4k3l03", "hfdp7dh39dks9884"));
            }
        }
    }

    /// A provider's token reads, or does not, and none that was damaged is signed, whatever the provider says are its keys.
    #[test]
    fn a_providers_token(text in damaged_text(&[PROVIDED]), keys in damaged_body(&keys())) {
        if let Some(jwt) = Jwt::read(&text) {
            let keys = keys.as_array().cloned().unwrap_or_default();
            prop_assert!(jwt.signed_by(&keys).is_none());
        }
    }

    /// A rule reads, or is refused with a reason.
    #[test]
    fn a_rule(text in damaged_text(&[
        "rule:admin_required or (role:reader and system_scope:all)",
        "not (user_id:%(target.user.id)s and 'manager':%(target.role.name)s) or @ or !",
        "((((((((role:a))))))))",
    ])) {
        if let Err(bad) = policy::Check::parse(&text) {
            prop_assert!(!bad.to_string().is_empty());
        }
    }

    /// A mapping applies or is refused, whether it fits its schema or not, and what comes out of it has an end.
    #[test]
    fn a_mapping(
        body in damaged_body(&mapping()), version in select(vec!["1.0", "2.0", "3.0", ""]), groups in damaged_text(&GROUPS),
    ) {
        let fits = body.as_object().is_some_and(|body| schema::check(body, version).is_ok());
        let rules = body.get("rules").cloned().unwrap_or(Value::Null);
        let mapping = Mapping { id: "m".to_owned(), rules, schema_version: version.to_owned() };
        let said = [("user", "ann".to_owned()), ("groups", groups)];
        let assertion = said.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        if let Ok(mapped) = apply(&mapping, &assertion) {
            prop_assert!(!fits || mapped.user.contains_key("type"));
            prop_assert!(json!(mapped.group_names).to_string().len() < 8 << 20);
        }
    }

    /// A list in a text has members, and a text that is none is its own.
    #[test]
    fn a_list_in_a_text(text in damaged_text(&GROUPS)) {
        let members = literal::members(&text);
        prop_assert!(text.trim_start().starts_with('[') || members == [Value::String(text)]);
    }

    /// A query takes apart, and its parts are put together to one that says the same.
    #[test]
    fn a_query(text in damaged_text(&["name=a%20b&limit=10&marker=x&tags=a,b&sort=name:desc,id:asc", "a=%C3%A9+%00;b&&=&="])) {
        let query = web::Query::parse(&text);
        let said: Vec<String> = query.pairs().map(|(key, value)| format!("{}={}", web::ask::encoded(key), web::ask::encoded(value))).collect();
        let again = web::Query::parse(&said.join("&"));
        prop_assert!(query.pairs().filter(|(key, value)| !(key.is_empty() && value.is_empty())).eq(again.pairs().filter(|(key, value)| !(key.is_empty() && value.is_empty()))));
    }

    /// A description of simulated hosts is taken, or refused in one sentence.
    #[test]
    fn a_topology(text in damaged_text(&[
        "[host]\nvcpus = 8\nmemory = \"16 GiB\"\n[[rack]]\nname = \"r1\"\nzone = \"az1\"\nhosts = 4\naggregates = [\"ssd\"]\ntraits = [\"CUSTOM_X\"]\n",
    ])) {
        if let Err(said) = sim::topology::parse(&text, &sim::Config::default()) {
            prop_assert!(!said.is_empty());
        }
    }

    /// A dump of a Keystone is read, or refused in one sentence.
    #[test]
    fn a_dump(dump in damaged(vec![MARIADB.to_vec(), POSTGRESQL.to_vec()], usize::MAX)) {
        let said = match Tables::of_dump(&dump[..], TABLES) {
            Ok(tables) => Estate::read(&tables, &Wishes::default()).err().map(|fault| fault.public().to_owned()),
            Err(said) => Some(said),
        };
        prop_assert!(said.is_none_or(|said| said.len() > 10 && !said.contains('\n')));
    }

    /// What a database says of a column reads, or does not; what reads is written as it was meant.
    #[test]
    fn a_column(value in anything()) {
        if let Some(datum) = ovn::ovsdb::Datum::decode(&value) {
            prop_assert_eq!(ovn::ovsdb::Datum::decode(&datum.encode()), Some(datum));
        }
    }
}

const MARIADB: &[u8] = include_bytes!("../../services/identity/tests/exchange/keystone.sql");

const POSTGRESQL: &[u8] = br#"--
-- PostgreSQL database dump
--

\restrict x
SET standard_conforming_strings = on;
CREATE FUNCTION public.f() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
END
$$;
CREATE TABLE public.assignment (type character varying(64), inherited boolean DEFAULT false NOT NULL);
CREATE TABLE public.project (
    id character varying(64) NOT NULL,
    name character varying(64) NOT NULL,
    extra text,
    description text,
    enabled boolean,
    domain_id character varying(64) NOT NULL,
    parent_id character varying(64),
    is_domain boolean DEFAULT false NOT NULL,
    CONSTRAINT c CHECK ((enabled OR (id = '('::text)))
);
INSERT INTO public.project VALUES ('a', E'it''s\n', '{"x": "\u00e9"}', NULL, true, 'default', 'default', false);
CREATE TABLE public."user" (id text, extra text, enabled boolean, default_project_id text, domain_id text);
CREATE TABLE public.local_user (id integer, user_id text, domain_id text, name text);
COPY public.project (id, name, extra, description, enabled, domain_id, parent_id, is_domain) FROM stdin;
default	Default	{}	The \\ default\tdomain	t	<<keystone.domain.root>>	\N	t
\.
COPY public."user" (id, extra, enabled, default_project_id, domain_id) FROM stdin;
u	{"email": "u@x"}	t	\N	default
\.
COPY public.local_user (id, user_id, domain_id, name) FROM stdin;
1	u	default	ann
\.
--
-- PostgreSQL database dump complete
--
"#;

/// `{"alg":"ES256","kid":"k"}`, `{"sub":"1","aud":["a"]}`, and a signature that is of nothing.
const PROVIDED: &str = "eyJhbGciOiJFUzI1NiIsImtpZCI6ImsifQ.eyJzdWIiOiIxIiwiYXVkIjpbImEiXX0.\
    AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// Keys as providers show them.
fn keys() -> Value {
    json!([
        {"kty": "EC", "crv": "P-256", "kid": "k", "use": "sig", "alg": "ES256",
         "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"},
        {"kty": "RSA", "n": "AQAB", "e": "AQAB"},
        {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPJHURo"},
        {"kty": "oct", "k": "c2VjcmV0"},
    ])
}

const GROUPS: [&str; 3] = [
    "admins;users;x",
    "['it\\'s', \"b\", '\\x41\\u00e9', 1, -2.5, None, ['x'], {'k': 'v'}]",
    "JSON:{\"name\": \"g\", \"domain\": {\"id\": \"d\"}}",
];

fn mapping() -> Value {
    json!({"rules": [
        {"local": [{"user": {"name": "{0}", "email": "{}", "domain": {"id": "d"}}}, {"groups": "{1}", "domain": {"name": "e"}},
                   {"group_ids": "{2[0]}", "projects": [{"name": "{0}-{1!r}", "roles": [{"name": "reader"}]}]}],
         "remote": [{"type": "user", "any_one_of": ["^a.+\\Z"], "regex": true}, {"type": "user"}, {"type": "groups", "whitelist": ["x"]},
                    {"type": "groups", "blacklist": ["(?i)U"], "regex": true}]},
        {"local": [{"group": {"id": "g"}}, {"group": {"name": "g", "domain": {"id": "d"}}}], "remote": [{"type": "groups", "not_any_of": ["y"]}]},
    ]})
}

fn key() -> Key {
    Key::new([7; 32])
}

fn sealed() -> String {
    fernet::seal(&key(), 1_800_000_000, [3; 16], b"what it says").unwrap_or_default()
}

fn pair() -> Pair {
    Pair::of([7; 32]).unwrap()
}

fn said() -> Payload {
    Payload {
        user_id: "u".to_owned(),
        methods: vec!["password".to_owned()],
        scope: Scope::Project("p".to_owned()),
        expires_at: Micros(1_800_003_600_000_000),
        audit_ids: vec!["AAAAAAAAAAAAAAAAAAAAAA".to_owned()],
        delegation: None,
    }
}
