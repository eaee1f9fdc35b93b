//! A whole simulated cloud, as its users start it, for the tests beside this folder.
#![allow(dead_code)]

use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

/// How long is waited for what has to come: a machine that is busy with other things is slow.
pub const PATIENCE: Duration = Duration::from_secs(120);

pub fn drystone(state_dir: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_drystone"));
    command.args(["--state-dir", state_dir.to_str().unwrap(), "--output", "json"]).args(arguments);
    command
}

/// What the program says when it ends by itself.
pub fn ended(state_dir: &Path, arguments: &[&str]) -> Output {
    drystone(state_dir, arguments).output().unwrap()
}

pub struct Cloud {
    pub child: Child,
    pub address: String,
    pub token: String,
    pub project: String,
    pub password: String,
    pub dir: tempfile::TempDir,
}

impl Drop for Cloud {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Cloud {
    pub fn up(arguments: &[&str]) -> Self {
        Self::up_in(tempfile::tempdir().unwrap(), arguments)
    }

    pub fn up_in(dir: tempfile::TempDir, arguments: &[&str]) -> Self {
        let mut command =
            drystone(dir.path(), &["up", "--metal", "sim", "--listen", "127.0.0.1:0", "--log", "warn"]);
        let mut child = command.args(arguments).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let ready: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(ready["event"], "ready");
        let address = ready["listen"].as_str().unwrap().to_owned();
        let passwords = std::fs::read(dir.path().join("passwords.json")).unwrap();
        let passwords: Value = serde_json::from_slice(&passwords).unwrap();
        let password = passwords["admin"].as_str().unwrap().to_owned();
        let mut cloud = Self { child, address, token: String::new(), project: String::new(), password, dir };
        cloud.log_in();
        cloud
    }

    /// Stops it as an operator does; its state directory stays.
    pub fn stop(mut self) -> tempfile::TempDir {
        let said = ended(self.dir.path(), &["down"]);
        assert!(said.status.success(), "{said:?}");
        self.child.wait().unwrap();
        std::mem::replace(&mut self.dir, tempfile::tempdir().unwrap())
    }

    pub fn log_in(&mut self) {
        (self.token, self.project) = self.token_of("admin", &self.password.clone());
    }

    pub fn token_of(&self, name: &str, password: &str) -> (String, String) {
        let domain = json!({"id": "default"});
        let user = json!({"name": name, "domain": domain, "password": password});
        let body = json!({"auth": {"identity": {"methods": ["password"], "password": {"user": user}},
            "scope": {"project": {"name": name, "domain": domain}}}});
        let (status, head, body) =
            self.exchange("POST", "/identity/v3/auth/tokens", "", Some(&body)).unwrap();
        assert_eq!(status, 201, "{body}");
        let token = head.lines().find_map(|line| {
            let (name, value) = line.split_once(": ")?;
            name.eq_ignore_ascii_case("x-subject-token").then_some(value)
        });
        let token = token.unwrap();
        (token.to_owned(), body["token"]["project"]["id"].as_str().unwrap().to_owned())
    }

    /// One request on a connection of its own; `None` when it is closed without an answer.
    pub fn exchange(
        &self,
        method: &str,
        path: &str,
        token: &str,
        body: Option<&Value>,
    ) -> Option<(u16, String, Value)> {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        let body = body.map(Value::to_string).unwrap_or_default();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: cloud\r\nconnection: close\r\nx-auth-token: {token}\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).ok()?;
        let answer = String::from_utf8(answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n")?;
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Some((status, head.replace('\r', ""), serde_json::from_str(body).unwrap_or(Value::Null)))
    }

    pub fn ask(&self, method: &str, path: &str, body: Option<Value>) -> (u16, Value) {
        let (status, _, body) = self.exchange(method, path, &self.token, body.as_ref()).unwrap();
        (status, body)
    }

    pub fn get(&self, path: &str) -> Value {
        let (status, body) = self.ask("GET", path, None);
        assert_eq!(status, 200, "{path}: {body}");
        body
    }

    pub fn post(&self, path: &str, body: Value) -> Value {
        let (status, answer) = self.ask("POST", path, Some(body));
        assert!((200..300).contains(&status), "{path}: {status} {answer}");
        answer
    }

    pub fn fault(&self, when: Value, effect: Value) -> String {
        let made = self.post("/sim/faults", json!({"fault": {"match": when, "effect": effect}}));
        made["fault"]["id"].as_str().unwrap().to_owned()
    }

    /// An image, and a server without networks that boots from it.
    pub fn image(&self) -> String {
        let body = json!({"name": "i", "disk_format": "raw", "container_format": "bare"});
        let image = self.post("/image/v2/images", body)["id"].as_str().unwrap().to_owned();
        let mut stream = TcpStream::connect(&self.address).unwrap();
        let request = format!(
            "PUT /image/v2/images/{image}/file HTTP/1.1\r\nhost: cloud\r\nconnection: close\r\nx-auth-token: {}\r\n\
             content-type: application/octet-stream\r\ncontent-length: 512\r\n\r\n",
            self.token
        );
        stream.write_all(request.as_bytes()).unwrap();
        stream.write_all(&[0; 512]).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 204"), "{answer}");
        image
    }

    pub fn server(&self, name: &str, image: &str) -> String {
        let flavors = self.get("/compute/v2.1/flavors");
        let flavor = flavors["flavors"][0]["id"].as_str().unwrap();
        let server = json!({"name": name, "imageRef": image, "flavorRef": flavor, "networks": "none"});
        let path = "/compute/v2.1/servers";
        let (status, _, body) = self.exchange_at("2.37", "POST", path, &json!({"server": server})).unwrap();
        assert_eq!(status, 202, "{body}");
        body["server"]["id"].as_str().unwrap().to_owned()
    }

    pub fn exchange_at(
        &self,
        version: &str,
        method: &str,
        path: &str,
        body: &Value,
    ) -> Option<(u16, String, Value)> {
        let token = format!("{}\r\nopenstack-api-version: compute {version}", self.token);
        self.exchange(method, path, &token, Some(body))
    }

    /// Waits until the server has this status.
    pub fn is(&self, server: &str, status: &str) -> Value {
        let began = Instant::now();
        loop {
            let body = self.get(&format!("/compute/v2.1/servers/{server}"))["server"].clone();
            if body["status"] == status {
                return body;
            }
            assert!(began.elapsed() < PATIENCE, "{status} in vain: {body}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}
