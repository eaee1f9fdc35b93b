//! The language of checks, seen from outside: what holds for whom, what is refused, and that no text does harm.

#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

use policy::{Check, Policy, Rule, Scopes, Target, Who};
use std::time::{Duration, Instant};

const THING: Rule = Rule::new("test", "thing", "!", "");

fn holds(check: &str, who: &Who, target: &Target) -> bool {
    let policy = Policy::of(&[&[THING]]).unwrap();
    policy.amend("test", format!("thing: {check:?}\nother: 'role:member'\n")).unwrap();
    policy.allows(&THING, who, target)
}

fn member() -> Who {
    Who {
        project_id: Some("p1".into()),
        user_id: "u1".into(),
        user_name: "Ann".into(),
        user_domain_id: "d1".into(),
        methods: vec!["password".into(), "totp".into()],
        roles: vec!["Member".into(), "reader".into(), "PrÜfer".into()],
        ..Who::default()
    }
}

fn target() -> Target {
    Target::project("p1")
        .with("visibility", "public")
        .with("target.role.name", "member")
        .with("empty", "None")
        .with("auditor", "PRÜFER")
        .with("shared", "True")
        .with("external", "False")
}

#[test]
fn checks_hold_as_oslo_policy_has_them() {
    let system = Who { system: true, ..Who::default() };
    let domain = Who { domain_id: Some("d1".into()), ..Who::default() };
    for (check, who, wanted) in [
        ("", &member(), true),
        ("@", &member(), true),
        ("!", &member(), false),
        ("role:MEMBER", &member(), true),
        ("role:%(target.role.name)s", &member(), true),
        ("role:%(absent)s", &member(), false),
        ("role:prüfer", &member(), true),
        ("role:%(auditor)s", &member(), true),
        ("role:prufer", &member(), false),
        ("rule:other and project_id:%(project_id)s", &member(), true),
        ("role:member or role:x and role:y", &member(), true),
        ("(role:member or role:x) and role:y", &member(), false),
        ("not role:y AND (role:member)", &member(), true),
        ("not not role:member", &member(), true),
        ("not (role:member or role:x)", &member(), false),
        ("tenant_id:%(tenant_id)s", &member(), true),
        ("user_id:u1", &member(), true),
        ("user_id:%(project_id)s", &member(), false),
        ("user_id:u%(absent)s", &member(), false),
        ("project_id:%(absent)s", &member(), false),
        ("domain_id:%(empty)s", &member(), false),
        ("domain_id:None", &member(), true),
        ("roles:Member", &member(), true),
        ("roles:member", &member(), false),
        ("not roles:reader", &member(), false),
        ("token.roles.name:%(target.role.name)s", &member(), false),
        ("user_name:Ann and token.user.name:Ann", &member(), true),
        ("project_name:None", &member(), true),
        ("not token.methods:totp", &member(), false),
        ("service_user_id:None", &member(), true),
        ("system_scope:None", &member(), true),
        ("domian_id:None", &member(), false),
        ("service_roles:None", &member(), false),
        ("system:None", &member(), false),
        ("token.domain.id:None", &member(), false),
        ("not domain_id:None and domain_id:d1", &domain, true),
        ("token.domain.id:d1", &domain, true),
        ("system_scope:all", &system, true),
        ("system_scope:all", &member(), false),
        ("is_admin:True", &Who::cloud(), true),
        ("is_admin:False", &member(), true),
        ("'public':%(visibility)s", &member(), true),
        ("None:%(empty)s", &member(), true),
        ("None:%(absent)s", &member(), false),
        ("1:1", &member(), true),
        ("'100%':100%%", &member(), true),
        ("'xpublicy':x%(visibility)sy", &member(), true),
        ("'xpublic':x%(visibility)sy", &member(), false),
        ("field:images:visibility=public", &member(), true),
        ("field:networks:shared=true", &member(), true),
        ("field:networks:shared=1", &member(), true),
        ("field:networks:shared=no", &member(), false),
        ("field:networks:external=OFF", &member(), true),
        ("field:images:visibility=PUBLIC", &member(), false),
        ("is_admin:true", &Who::cloud(), false),
        ("field:images:visibility=~^pub", &member(), true),
        ("field:images:visibility=~^lic", &member(), false),
        ("service_roles:service", &Who::cloud(), false),
        ("anything:at.all", &member(), false),
    ] {
        assert_eq!(holds(check, who, &target()), wanted, "{check}");
    }
}

#[test]
fn what_cannot_be_read_is_refused_with_its_place() {
    for (text, at) in [
        ("role:a or", "its end"),
        ("(role:a", "its end"),
        ("role:a)", ")"),
        ("()", ")"),
        ("nonsense", "nonsense"),
        ("role:a role:b", "role:b"),
        ("and", "and"),
        ("role:a or or role:b", "or"),
        ("not", "its end"),
        ("'a':'b'", "'a':'b'"),
        ("'a:b", "'a:b"),
        ("a b:c", "a"),
        ("user_id:%(x)", "%(x"),
        ("user_id:%(x)d", "%(x)d"),
        ("user_id:%x", "%x"),
        ("field:a=b", "field:a=b"),
        ("field:a:b=~x.*", "field:a:b=~x.*"),
        ("http://host/%(x)s", "http://host/%(x)s"),
        ("https://host/", "https://host/"),
        ("ü:x", "ü:x"),
        (" ", " "),
        ("\t\n", "\t\n"),
    ] {
        let refused = Check::parse(text).expect_err(text).to_string();
        assert!(refused.contains(&format!("at {at:?}")), "{text}: {refused}");
    }
}

#[test]
fn a_printed_check_reads_as_the_same_check() {
    for text in [
        "role:a and (role:b or not (rule:c and 'x':%(y)s)) or None:%(z)s and user_id:a%(b)sc",
        "field:networks:router:external=True or field:port:device_owner=~^network: or @ and !",
    ] {
        let check = Check::parse(text).unwrap();
        assert_eq!(Check::parse(&check.to_string()).unwrap(), check, "{text}");
    }
}

#[test]
fn tokens_of_another_scope_are_not_taken() {
    const RULES: &[Rule] = &[
        Rule::new("test", "in-project", "@", "").scoped(Scopes::PROJECT),
        Rule::new("test", "in-both", "@", "").scoped(Scopes::SYSTEM_PROJECT),
        Rule::new("test", "through", "rule:in-project", ""),
    ];
    let policy = Policy::of(&[RULES]).unwrap();
    let system = Who { system: true, ..Who::default() };
    let domain = Who { domain_id: Some("d".into()), ..Who::default() };
    // A rule that another one asks brings its check along, not its scopes; the cloud itself has no token.
    for (who, allowed) in [
        (&Who::default(), [true, true, true]),
        (&system, [false, true, true]),
        (&domain, [false, false, true]),
        (&Who::cloud(), [true, true, true]),
    ] {
        assert_eq!([0, 1, 2].map(|at| policy.allows(&RULES[at], who, &Target::none())), allowed, "{who:?}");
    }
}

/// Numbers that repeat from a seed.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % sides
    }
}

const WORDS: [&str; 34] = [
    "role:admin",
    "rule:thing",
    "rule:other",
    "user_id:%(user_id)s",
    "'x':%(a.b)s",
    "None:%(c)s",
    "@",
    "!",
    "and",
    "or",
    "not",
    "(",
    ")",
    "((",
    "))",
    " ",
    "\t",
    "\n",
    "%",
    "%(",
    ")s",
    ":",
    "'",
    "\"",
    "field:a:b=~^c",
    "http://x",
    "True:x",
    "ä",
    "\u{0}",
    "-",
    "system_scope:all",
    "%%",
    "[",
    "]",
];

#[test]
fn no_text_makes_the_reader_panic_or_linger() {
    let policy = Policy::of(&[&[THING]]).unwrap();
    let (who, mut dice, began, mut read) = (member(), Dice(20), Instant::now(), 0);
    for _ in 0..60_000 {
        let words = dice.roll(24);
        let text: String =
            (0..words).map(|_| [WORDS[dice.roll(WORDS.len())], ["", " "][dice.roll(2)]].concat()).collect();
        if let Ok(check) = Check::parse(&text) {
            read += 1;
            assert_eq!(
                Check::parse(&check.to_string()).map(|again| again.to_string()),
                Ok(check.to_string()),
                "{text:?}"
            );
        }
        let _ = policy.amend("test", format!("thing: {text:?}\nother: '@'\n"));
        let _ = policy.amend("test", &text);
        let (allowed, told) = (policy.allows(&THING, &who, &target()), policy.explain("test", "thing", &who));
        assert!(!allowed || !told.unwrap().ways.is_empty(), "{text:?}");
    }
    assert!(read > 500, "only {read} of the texts were checks: the dice are loaded");
    assert!(began.elapsed() < Duration::from_secs(60), "{:?}", began.elapsed());
}

#[test]
fn the_longest_texts_take_no_time_and_no_stack() {
    let began = Instant::now();
    for text in [
        "(".repeat(60_000),
        ")".repeat(60_000),
        "not ".repeat(15_000) + "@",
        "%(".repeat(30_000),
        format!("a:{}", "%(x)s".repeat(12_000)),
        "role:a or ".repeat(6_000) + "!",
        "(role:a or (".repeat(5_000),
        "x".repeat(70_000),
        format!("{}@{}", "(".repeat(31), ")".repeat(31)),
    ] {
        let _ = Check::parse(&text);
    }
    assert!(Check::parse(&format!("{}@{}", "(".repeat(31), ")".repeat(31))).is_ok());
    assert!(Check::parse(&format!("{}@{}", "(".repeat(32), ")".repeat(32))).is_err());
    assert!(began.elapsed() < Duration::from_secs(60), "{:?}", began.elapsed());
}
