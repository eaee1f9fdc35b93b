//! A directory of Debian's `slapd`, private to a test: on a port and in a place of its own.

use ldap3::{LdapConnAsync, Mod, Scope, SearchEntry};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use serde_json::{Value, json};
use std::collections::HashSet;
use std::fmt::Write;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tempfile::TempDir;

const ROOT: &str = "cn=root,dc=example";

pub struct Slapd {
    place: TempDir,
    ports: [u16; 2],
    process: Option<Child>,
}

/// A user: `uid`, name, password.
pub fn person(uid: &str, name: &str, password: &str) -> String {
    format!(
        "dn: uid={uid},ou=People,dc=example\nobjectClass: inetOrgPerson\nuid: {uid}\ncn: {name}\nsn: {name}\n\
         mail: {uid}@example\nuserPassword: {password}\n\n"
    )
}

/// A group with these users.
pub fn team(name: &str, uids: &[&str]) -> String {
    let mut text =
        format!("dn: cn={name},ou=Teams,dc=example\nobjectClass: groupOfNames\ncn: {name}\nou: {name}\n");
    for uid in uids {
        writeln!(text, "member: uid={uid},ou=People,dc=example").unwrap();
    }
    text + "\n"
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// An authority, and a certificate of it for this machine.
fn certificates(place: &Path) {
    let mut authority = CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
    let own = CertificateParams::new(names).unwrap().signed_by(&key, &authority).unwrap();
    std::fs::write(place.join("authority.pem"), authority.pem()).unwrap();
    std::fs::write(place.join("own.pem"), own.pem()).unwrap();
    std::fs::write(place.join("key.pem"), key.serialize_pem()).unwrap();
}

impl Slapd {
    /// With these entries below `ou=People` and `ou=Teams`.
    pub async fn start(entries: &str) -> Self {
        let place = tempfile::Builder::new().prefix("ds-ldap").tempdir().unwrap();
        certificates(place.path());
        std::fs::create_dir(place.path().join("db")).unwrap();
        std::fs::write(place.path().join("slapd.conf"), settings(place.path())).unwrap();
        let trees = "dn: dc=example\nobjectClass: dcObject\nobjectClass: organization\ndc: example\no: example\n\n\
                     dn: ou=People,dc=example\nobjectClass: organizationalUnit\nou: People\n\n\
                     dn: ou=Teams,dc=example\nobjectClass: organizationalUnit\nou: Teams\n\n\
                     dn: cn=reader,dc=example\nobjectClass: person\ncn: reader\nsn: reader\nuserPassword: reads\n\n";
        std::fs::write(place.path().join("all.ldif"), format!("{trees}{entries}")).unwrap();
        let filled = Command::new("/usr/sbin/slapadd")
            .args(["-q", "-f", "slapd.conf", "-l", "all.ldif"])
            .current_dir(place.path())
            .output()
            .expect("these tests need slapd: conformance/install slapd");
        assert!(filled.status.success(), "{}", String::from_utf8_lossy(&filled.stderr));
        let mut slapd = Self { place, ports: [free_port(), free_port()], process: None };
        slapd.resume().await;
        slapd
    }

    /// It answers, again if it was stopped.
    pub async fn resume(&mut self) {
        let urls = format!("{} {}", self.url(), self.tls_url());
        let process = Command::new("/usr/sbin/slapd")
            .args(["-d", "0", "-f", "slapd.conf", "-h", &urls])
            .current_dir(self.place.path())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        self.process = Some(process);
        for _ in 0..600 {
            if tokio::net::TcpStream::connect(("127.0.0.1", self.ports[1])).await.is_ok() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("slapd does not answer");
    }

    /// It answers no more.
    pub fn stop(&mut self) {
        let Some(mut process) = self.process.take() else { return };
        process.kill().unwrap();
        process.wait().unwrap();
    }

    pub fn url(&self) -> String {
        format!("ldap://127.0.0.1:{}", self.ports[0])
    }

    pub fn tls_url(&self) -> String {
        format!("ldaps://127.0.0.1:{}", self.ports[1])
    }

    /// Who vouches for it.
    pub fn authority(&self) -> String {
        self.place.path().join("authority.pem").display().to_string()
    }

    /// Options of a domain whose users it has; `more` are others of `ldap`.
    pub fn options(&self, more: Value) -> Value {
        let mut ldap = json!({
            "url": self.url(), "user": "cn=reader,dc=example", "password": "reads", "suffix": "dc=example",
            "user_tree_dn": "ou=People,dc=example", "user_id_attribute": "uid", "user_name_attribute": "uid",
            "user_enabled_attribute": "employeeType", "group_tree_dn": "ou=Teams,dc=example",
            "group_name_attribute": "cn", "page_size": 100,
        });
        for (name, value) in more.as_object().into_iter().flatten() {
            ldap[name] = value.clone();
        }
        json!({"config": {"identity": {"driver": "ldap"}, "ldap": ldap}})
    }

    async fn as_root(&self) -> ldap3::Ldap {
        let (connection, mut root) = LdapConnAsync::new(&self.url()).await.unwrap();
        tokio::spawn(connection.drive());
        root.simple_bind(ROOT, "rules").await.unwrap().success().unwrap();
        root
    }

    /// An attribute of an entry is this now.
    pub async fn set(&self, dn: &str, attribute: &str, value: &str) {
        let change = Mod::Replace(attribute, HashSet::from([value]));
        self.as_root().await.modify(dn, vec![change]).await.unwrap().success().unwrap();
    }

    /// How often somebody has shown a password.
    pub async fn binds(&self) -> u64 {
        self.count("Bind").await
    }

    /// How often somebody has looked for something, which whoever asks this does, too.
    pub async fn searches(&self) -> u64 {
        self.count("Search").await
    }

    // What was completed is counted only after the answer.
    async fn count(&self, operation: &str) -> u64 {
        let mut root = self.as_root().await;
        let counter = format!("cn={operation},cn=Operations,cn=Monitor");
        let wanted = vec!["monitorOpInitiated"];
        let found = root.search(&counter, Scope::Base, "(objectClass=*)", wanted).await.unwrap();
        let (found, _) = found.success().unwrap();
        let entry = SearchEntry::construct(found.into_iter().next().unwrap());
        entry.attrs["monitorOpInitiated"][0].parse().unwrap()
    }

    /// An entry is gone.
    pub async fn remove(&self, dn: &str) {
        self.as_root().await.delete(dn).await.unwrap().success().unwrap();
    }
}

impl Drop for Slapd {
    fn drop(&mut self) {
        self.stop();
    }
}

/// More than 500 entries are told to nobody at once, only page by page.
fn settings(place: &Path) -> String {
    let place = place.display();
    let mut text = String::new();
    for schema in ["core", "cosine", "inetorgperson"] {
        writeln!(text, "include /etc/ldap/schema/{schema}.schema").unwrap();
    }
    writeln!(
        text,
        "modulepath /usr/lib/ldap\nmoduleload back_mdb\n\
         TLSCACertificateFile {place}/authority.pem\nTLSCertificateFile {place}/own.pem\n\
         TLSCertificateKeyFile {place}/key.pem\nTLSVerifyClient never\n\
         database mdb\nmaxsize 104857600\nsuffix \"dc=example\"\nrootdn \"{ROOT}\"\nrootpw rules\n\
         directory {place}/db\nindex objectClass,uid,member eq\n\
         limits * size.soft=500 size.hard=500 size.prtotal=unlimited\n\
         access to attrs=userPassword by anonymous auth by * none\n\
         access to dn.subtree=\"ou=People,dc=example\" by anonymous auth by * read\n\
         access to * by users read by anonymous auth\n\
         database monitor\naccess to * by users read by anonymous auth"
    )
    .unwrap();
    text
}
