use super::*;
use metal::server::{ImageSource, Metadata, ServerPort};

const ID: &str = "cafe1234-5b2c-4a7f-9d2e-0123456789ab";
const PEER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 9));

fn full() -> ServerSpec {
    let mut spec = crate::converge::sample_server();
    spec.name = "Prüfling".to_owned();
    spec.ephemeral_gib = 1;
    spec.swap_mib = 64;
    spec.image.id = "beef5678-0000-4000-8000-000000000000".to_owned();
    spec.kernel = Some(ImageSource { id: "1".to_owned(), ..spec.image.clone() });
    spec.ports = vec![ServerPort {
        port_id: "p".to_owned(),
        network_id: "n".to_owned(),
        mac: "fa:16:3e:01:02:03".to_owned(),
        addresses: vec!["fd00::5".parse().unwrap(), "10.0.0.5".parse().unwrap()],
        mtu: 1442,
    }];
    spec.metadata = Metadata {
        hostname: "pruefling.novalocal".to_owned(),
        project_id: "0123456789abcdef0123456789abcdef".to_owned(),
        availability_zone: "nova".to_owned(),
        instance_type: "m1.tiny".to_owned(),
        reservation_id: "r-abcdefgh".to_owned(),
        launch_index: 0,
        admin_password: Some("secret".to_owned()),
        meta: [("role".to_owned(), "web".to_owned())].into(),
        key: Some(("mine".to_owned(), "ssh-ed25519 AAAA me\n".to_owned())),
        user_data: Some("I2Nsb3VkLWNvbmZpZwo=".to_owned()),
        security_groups: vec!["default".to_owned(), "web".to_owned()],
        public_addresses: vec!["203.0.113.7".parse().unwrap()],
        network_data: json!({"links": [], "networks": [], "services": []}).into(),
        files: vec![("/etc/motd".to_owned(), "aGk=".to_owned())],
    };
    spec
}

fn shown(spec: &ServerSpec, path: &str) -> String {
    let entropy = Entropy::seeded(1);
    match Documents::new(ID, spec, &entropy).find(path, PEER) {
        Found::Plain(body) => String::from_utf8(body).unwrap(),
        Found::Json(body) => format!("json: {}", String::from_utf8(body).unwrap()),
        Found::Password => "(password)".to_owned(),
        Found::Nothing => "(nothing)".to_owned(),
    }
}

/// Without the random seed, which differs.
fn seedless(text: &str) -> String {
    let Some((before, rest)) = text.split_once("\"random_seed\": \"") else { return text.to_owned() };
    let (seed, after) = rest.split_once("\", ").unwrap();
    assert_eq!(STANDARD.decode(seed).unwrap().len(), 512);
    format!("{before}{after}")
}

#[test]
fn versions_are_listed() {
    let ec2 = "1.0\n2007-01-19\n2007-03-01\n2007-08-29\n2007-10-10\n2007-12-15\n2008-02-01\n2008-09-01\n2009-04-04\nlatest";
    let openstack = "2012-08-10\n2013-04-04\n2013-10-17\n2015-10-15\n2016-06-30\n2016-10-06\n2017-02-22\n2018-08-27\n2020-10-14\n2025-04-04\nlatest";
    for (path, listing) in
        [("/", ec2), ("", ec2), ("/ec2/", ec2), ("/openstack", openstack), ("//openstack/", openstack)]
    {
        assert_eq!(shown(&full(), path), listing, "{path}");
    }
}

#[test]
fn openstack_documents() {
    let spec = full();
    let newest = r#"json: {"uuid": "cafe1234-5b2c-4a7f-9d2e-0123456789ab", "meta": {"role": "web"}, "public_keys": {"mine": "ssh-ed25519 AAAA me\n"}, "keys": [{"name": "mine", "type": "ssh", "data": "ssh-ed25519 AAAA me\n"}], "hostname": "pruefling.novalocal", "name": "Pr\u00fcfling", "launch_index": 0, "availability_zone": "nova", "project_id": "0123456789abcdef0123456789abcdef", "devices": [], "dedicated_cpus": []}"#;
    assert_eq!(seedless(&shown(&spec, "/openstack/latest/meta_data.json")), newest);
    assert_eq!(
        seedless(&shown(&spec, "/openstack/2012-08-10/meta_data.json")),
        newest.replace(
            r#", "project_id": "0123456789abcdef0123456789abcdef", "devices": [], "dedicated_cpus": []"#,
            ""
        )
    );
    for (path, body) in [
        (
            "latest",
            "meta_data.json\nuser_data\npassword\nvendor_data.json\nnetwork_data.json\nvendor_data2.json",
        ),
        ("2012-08-10", "meta_data.json\nuser_data"),
        ("2013-10-17", "meta_data.json\nuser_data\npassword\nvendor_data.json"),
        ("latest/user_data", "#cloud-config\n"),
        ("latest/network_data.json", r#"{"links": [], "networks": [], "services": []}"#),
        ("latest/vendor_data.json", "json: {}"),
        ("latest/vendor_data2.json", r#"json: {"static": {}}"#),
        ("latest/password", "(password)"),
        ("2012-08-10/password", "(nothing)"),
        ("2012-08-10/vendor_data.json", "(nothing)"),
        ("2016-06-30/vendor_data2.json", "(nothing)"),
        ("2099-01-01", "(nothing)"),
        ("latest/other", "(nothing)"),
        ("content/0000", "(nothing)"),
    ] {
        assert_eq!(shown(&spec, &format!("/openstack/{path}")), body, "{path}");
    }
}

#[test]
fn ec2_documents() {
    let spec = full();
    for (path, body) in [
        ("latest", "meta-data/\nuser-data"),
        (
            "latest/meta-data/",
            "ami-id\nami-launch-index\nami-manifest-path\nblock-device-mapping/\nhostname\ninstance-action\ninstance-id\ninstance-type\nkernel-id\nlocal-hostname\nlocal-ipv4\nplacement/\npublic-hostname\npublic-ipv4\npublic-keys/\nreservation-id\nsecurity-groups",
        ),
        (
            "1.0/meta-data",
            "ami-id\nami-launch-index\nami-manifest-path\nhostname\ninstance-id\nlocal-ipv4\npublic-keys/\nreservation-id\nsecurity-groups",
        ),
        ("latest/meta-data/ami-id", "ami-beef5678"),
        ("latest/meta-data/instance-id", "i-cafe1234"),
        ("latest/meta-data/kernel-id", "aki-00000001"),
        ("latest/meta-data/ami-launch-index", "0"),
        ("latest/meta-data/ami-manifest-path", "FIXME"),
        ("latest/meta-data/block-device-mapping/", "ami\nephemeral0\nroot\nswap"),
        ("latest/meta-data/block-device-mapping/ami", "vda"),
        ("latest/meta-data/block-device-mapping/root", "/dev/vda"),
        ("latest/meta-data/block-device-mapping/ephemeral0", "/dev/vdb"),
        ("latest/meta-data/block-device-mapping/swap", "/dev/vdc"),
        ("latest/meta-data/hostname", "pruefling.novalocal"),
        ("latest/meta-data/local-hostname", "pruefling.novalocal"),
        ("latest/meta-data/public-hostname", "pruefling.novalocal"),
        ("latest/meta-data/local-ipv4", "10.0.0.5"),
        ("latest/meta-data/public-ipv4", "203.0.113.7"),
        ("latest/meta-data/instance-type", "m1.tiny"),
        ("latest/meta-data/instance-action", "none"),
        ("latest/meta-data/placement/", "availability-zone"),
        ("latest/meta-data/placement/availability-zone", "nova"),
        ("latest/meta-data/public-keys/", "0=mine"),
        ("latest/meta-data/public-keys/0/", "openssh-key"),
        ("latest/meta-data/public-keys/0/openssh-key", "ssh-ed25519 AAAA me\n"),
        ("latest/meta-data/reservation-id", "r-abcdefgh"),
        ("latest/meta-data/security-groups", "default\nweb"),
        ("latest/user-data", "#cloud-config\n"),
        ("2007-01-19/meta-data/placement", "(nothing)"),
        ("latest/meta-data/nothing", "(nothing)"),
        ("latest/meta-data/hostname/x", "(nothing)"),
        ("2030-01-01/meta-data", "(nothing)"),
    ] {
        assert_eq!(shown(&spec, &format!("/{path}")), body, "{path}");
        assert_eq!(shown(&spec, &format!("/ec2/{path}")), body, "/ec2/{path}");
    }
}

#[test]
fn public_keys_are_a_directory_with_a_name_of_their_own() {
    let mut spec = full();
    assert!(shown(&spec, "/latest/meta-data").contains("public-keys/"));
    (spec.metadata.key, spec.metadata.user_data) = (None, None);
    assert!(!shown(&spec, "/latest/meta-data").contains("public-keys"));
    assert_eq!(shown(&spec, "/latest"), "meta-data/");
    assert_eq!(shown(&spec, "/latest/user-data"), "(nothing)");
    assert_eq!(shown(&spec, "/openstack/latest/user_data"), "(nothing)");
    assert_eq!(
        shown(&spec, "/openstack/latest"),
        "meta_data.json\npassword\nvendor_data.json\nnetwork_data.json\nvendor_data2.json"
    );
    spec.ports.clear();
    assert_eq!(shown(&spec, "/latest/meta-data/local-ipv4"), "10.0.0.9");
}

#[test]
fn the_config_drive_has_the_same_and_more() {
    let (spec, entropy) = (full(), Entropy::seeded(1));
    let files = Documents::new(ID, &spec, &entropy).config_drive();
    let names: Vec<&str> = files.iter().map(|(name, _)| name.as_str()).collect();
    let mut expected: Vec<String> = Vec::new();
    for version in ["2009-04-04", "latest"] {
        expected.extend([format!("ec2/{version}/user-data"), format!("ec2/{version}/meta-data.json")]);
    }
    for (at, version) in VERSIONS.into_iter().chain(["latest"]).enumerate() {
        let files =
            ["meta_data.json", "user_data", "vendor_data.json", "network_data.json", "vendor_data2.json"];
        let count = [2, 2, 3, 4, 4, 5].get(at).copied().unwrap_or(5);
        expected.extend(files.iter().take(count).map(|file| format!("openstack/{version}/{file}")));
    }
    expected.push("openstack/content/0000".to_owned());
    assert_eq!(names, expected);
    let file =
        |name: &str| files.iter().find(|(found, _)| found == name).map(|(_, body)| body.clone()).unwrap();
    assert_eq!(file("openstack/content/0000"), b"hi");
    let meta: Value = serde_json::from_slice(&file("openstack/latest/meta_data.json")).unwrap();
    assert_eq!(meta["files"], json!([{"path": "/etc/motd", "content_path": "/content/0000"}]));
    assert_eq!(meta["admin_pass"], "secret");
    let ec2 = String::from_utf8(file("ec2/latest/meta-data.json")).unwrap();
    assert_eq!(
        ec2,
        r#"{"ami-id": "ami-beef5678", "ami-launch-index": 0, "ami-manifest-path": "FIXME", "instance-id": "i-cafe1234", "hostname": "pruefling.novalocal", "local-ipv4": "10.0.0.5", "reservation-id": "r-abcdefgh", "security-groups": ["default", "web"], "public-keys": {"0": {"_name": "0=mine", "openssh-key": "ssh-ed25519 AAAA me\n"}}, "local-hostname": "pruefling.novalocal", "public-hostname": "pruefling.novalocal", "public-ipv4": "203.0.113.7", "instance-type": "m1.tiny", "block-device-mapping": {"ami": "vda", "root": "/dev/vda", "ephemeral0": "/dev/vdb", "swap": "/dev/vdc"}, "kernel-id": "aki-00000001", "placement": {"availability-zone": "nova"}, "instance-action": "none"}"#
    );
}
