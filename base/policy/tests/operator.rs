//! What an operator's file does to the rules of a service.

#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

use policy::{Policy, Rule, Scopes, Target, Who};
use std::sync::Arc;

const OWNER: Rule = Rule::new("compute", "owner", "project_id:%(project_id)s", "Owners.");
const SHOW: Rule = Rule::new("compute", "thing:show", "role:admin or (role:reader and rule:owner)", "Show.")
    .scoped(Scopes::PROJECT);
const LIST: Rule =
    Rule::new("compute", "thing:list", "rule:thing:show", "List.").was("thing", "role:old or role:older");
const SEEN: Rule =
    Rule::new("compute", "seen", "'public':%(visibility)s or field:networks:shared=True", "Seen.");
const OTHER: Rule = Rule::new("image", "owner", "!", "Owners of images.");

fn policy() -> Policy {
    Policy::of(&[&[OWNER, SHOW, LIST, SEEN], &[OTHER]]).unwrap()
}

fn reader() -> Who {
    Who { project_id: Some("p".into()), roles: vec!["reader".into()], ..Who::default() }
}

#[test]
fn a_file_replaces_rules_of_its_service_and_is_taken_back() {
    let (policy, own, strange) = (policy(), Target::project("p"), Target::project("q"));
    assert!(policy.allows(&SHOW, &reader(), &own) && !policy.allows(&SHOW, &reader(), &strange));
    assert_eq!(policy.amend("compute", "owner: '@'\n"), Ok(Vec::new()));
    assert!(policy.allows(&SHOW, &reader(), &strange) && policy.allows(&LIST, &reader(), &strange));
    assert!(!policy.allows(&OTHER, &reader(), &own), "the rules of another service are its own");
    policy.amend("compute", "").unwrap();
    assert!(!policy.allows(&SHOW, &reader(), &strange));
}

#[test]
fn scopes_stay_with_the_rule_whatever_the_file_says() {
    let policy = policy();
    policy.amend("compute", "'thing:show': '@'\n").unwrap();
    let system = Who { system: true, ..Who::default() };
    assert!(!policy.allows(&SHOW, &system, &Target::none()));
    assert!(policy.allows(&LIST, &system, &Target::none()));
}

#[test]
fn an_older_name_means_the_newer_one_unless_that_is_said_too() {
    let policy = policy();
    let notices = policy.amend("compute", "\n'thing': '!'\n").unwrap();
    assert_eq!(
        notices[0].to_string(),
        "line 2: rule \"thing\" is called \"thing:list\" now, which this line is taken for"
    );
    assert!(!policy.allows(&LIST, &reader(), &Target::project("p")));
    policy.amend("compute", "'thing': '!'\n'thing:list': '@'\n").unwrap();
    assert!(policy.allows(&LIST, &reader(), &Target::none()));
}

#[test]
fn an_older_name_with_its_default_of_then_changes_nothing() {
    let policy = policy();
    let notices = policy.amend("compute", "'thing': '(role:old) or role:older'\n").unwrap();
    let told: Vec<_> = notices.iter().map(ToString::to_string).collect();
    let why = "line 1: rule \"thing\" is called \"thing:list\" now, whose default holds: this was the default before";
    assert_eq!(told, [why]);
    assert!(policy.allows(&LIST, &reader(), &Target::project("p")));
    let old = Who { roles: vec!["old".into()], ..Who::default() };
    assert!(!policy.allows(&LIST, &old, &Target::none()));
}

#[test]
fn an_older_name_that_stands_for_a_newer_one_changes_the_others_alone() {
    let all = [
        OWNER,
        SHOW,
        LIST,
        Rule::new("compute", "thing:count", "!", "Count.").was("thing", "role:old or role:older"),
    ];
    let policy = Policy::of(&[&all]).unwrap();
    let notices = policy.amend("compute", "'thing': 'rule:thing:list'\n").unwrap();
    let told: Vec<_> = notices.iter().map(ToString::to_string).collect();
    assert_eq!(told, ["line 1: rule \"thing\" is called \"thing:count\" now, which this line is taken for"]);
    let check =
        |name: &str| policy.holding("compute").into_iter().find(|rule| rule.name == name).unwrap().check;
    assert_eq!((&*check("thing:list"), &*check("thing:count")), ("rule:thing:show", "rule:thing:list"));
    // The first of the newer ones may be of an operation that there is not here.
    let notices = policy.amend("compute", "'thing': 'rule:thing:absent'\n").unwrap();
    assert!(notices.iter().any(|notice| notice.what.ends_with("no such operation as this line names")));
    assert_eq!((&*check("thing:list"), &*check("thing:count")), ("rule:thing:show", "!"));
    policy.amend("compute", "'thing': 'rule:thing:absent'\n'thing:absent': '@'\n").unwrap();
    assert_eq!(&*check("thing:count"), "rule:thing:absent");
    assert!(policy.amend("compute", "'thing': 'rule:absent'\n").is_err());
}

#[test]
fn a_bad_file_changes_nothing_and_says_why() {
    let policy = policy();
    policy.amend("compute", "owner: '!'\n").unwrap();
    for (text, why) in [
        (
            "owner: '@'\n'thing:show': 'rule:nothing'\n",
            "line 2: rule \"thing:show\" asks rule \"nothing\", which there is not",
        ),
        (
            "owner: '@'\na: 'rule:b'\nb: 'rule:a'\n",
            "line 3: a rule asks itself: a, which asks b, which asks a",
        ),
        (
            "owner: 'rule:thing:show'\n",
            "line 1: a rule asks itself: owner, which asks thing:show, which asks owner",
        ),
        (
            "owner: 'role'\n",
            "line 1: rule \"owner\": the check cannot be read at \"role\": a check is `kind:value`, `@` or `!`",
        ),
        (
            "owner: 'not (role:x or not not usr_id:x)'\n",
            "line 1: rule \"owner\": no caller has an attribute \"usr_id\", so a `not` of it holds for everybody",
        ),
        (
            "owner: 'not rule:a'\na: 'role:x or usr_id:%(user_id)s'\n",
            "line 2: rule \"a\": no caller has an attribute \"usr_id\", so a `not` of it holds for everybody",
        ),
    ] {
        assert_eq!(policy.amend("compute", text).unwrap_err().to_string(), why);
        assert!(!policy.allows(&SHOW, &reader(), &Target::project("p")), "the file before is in force");
    }
}

#[test]
fn rules_that_would_take_for_ever_are_refused() {
    let policy = policy();
    let doubling: String = (1..30).map(|n| format!("r{n}: 'rule:r{} or rule:r{}'\n", n - 1, n - 1)).collect();
    let why = policy.amend("compute", format!("r0: '!'\n{doubling}")).unwrap_err().to_string();
    assert!(why.contains("asks more than"), "{why}");
    // The longest chain that there may be, and one more, asked from its end or towards it.
    let link = |n: usize| format!("r{n}: 'rule:r{}'\n", n - 1);
    for (rules, refused) in [(32, false), (33, true), (5000, true)] {
        let down: String = (1..rules).rev().map(link).chain(["r0: '!'\n".to_owned()]).collect();
        let up: String = ["r0: '!'\n".to_owned()].into_iter().chain((1..rules).map(link)).collect();
        for chain in [down, up] {
            let why = policy.amend("compute", chain).err().map(|bad| bad.to_string());
            assert_eq!(why.is_some_and(|why| why.contains("in a row")), refused, "{rules}");
        }
    }
}

#[test]
fn a_rule_of_no_operation_may_ask_what_there_is_not() {
    let text = "metadef_add: 'rule:metadef_admin'\nthing: 'rule:metadef_add'\n";
    let told: Vec<_> = policy().amend("image", text).unwrap().iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        [
            "line 1: rule \"metadef_add\" asks rule \"metadef_admin\", which there is not: it is for nobody, and no \
             operation asks it",
            "line 2: rule \"thing\" is no operation of this cloud, and no rule asks it",
        ]
    );
    let why = policy().amend("compute", text).unwrap_err().to_string();
    assert!(why.starts_with("line 1: rule \"metadef_add\" asks rule \"metadef_admin\""), "{why}");
    // One of an attribute of what there is may be asked, too.
    assert_eq!(policy().amend("compute", "'seen:colour': '!'\n"), Ok(Vec::new()));
    assert!(policy().amend("compute", "'seen:colour': 'rule:nothing'\n").is_err());
}

#[test]
fn what_works_but_was_hardly_meant_is_noticed() {
    let text = "mine: 'role:x'\n'thing:show': 'projekt_id:%(project_id)s'\n'thing:shwo': 'rule:mine'\n";
    let told: Vec<_> = policy().amend("compute", text).unwrap().iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        [
            "line 2: no caller has an attribute \"projekt_id\": projekt_id:%(project_id)s never holds",
            "line 3: rule \"thing:shwo\" is no operation of this cloud, and no rule asks it",
        ]
    );
}

/// Two services with administrators; the second one lets others see everything too.
fn administered() -> Policy {
    const fn admins(service: &'static str) -> Rule {
        Rule::new(service, "context_is_admin", "role:admin", "Administrators.").scoped(Scopes::PROJECT)
    }
    let compute = [admins("compute"), Rule::new("compute", "admin_api", "is_admin:True", "Administrators.")];
    let global = Rule::new("network", "context_with_global_access", "!", "Who sees all.");
    let service = Rule::new("network", "service_api", "role:service", "Services.");
    Policy::of(&[&compute, &[admins("network"), global, service]]).unwrap()
}

/// Whether a service has the role for an administrator, and shows it everything.
fn placed(policy: &Policy, service: &str, role: &str) -> (bool, bool) {
    let mut who = Arc::new(Who { system: true, roles: vec![role.into()], ..Who::default() });
    policy.place(service, &mut who);
    (who.admin, who.overseer)
}

#[test]
fn a_service_has_those_for_administrators_whom_its_own_rule_names() {
    let policy = administered();
    assert_eq!(placed(&policy, "compute", "admin"), (true, true), "whatever the scope");
    assert_eq!(placed(&policy, "compute", "service"), (false, false));
    assert_eq!(placed(&policy, "network", "service"), (false, true));
    assert_eq!(placed(&policy, "placement", "admin"), (false, false), "it has no administrators");
    policy.amend("compute", "context_is_admin: 'role:captain'\n").unwrap();
    policy.amend("network", "context_with_global_access: 'role:auditor'\n").unwrap();
    assert_eq!(placed(&policy, "compute", "captain"), (true, true));
    assert_eq!(placed(&policy, "compute", "admin"), (false, false));
    assert_eq!(placed(&policy, "network", "captain"), (false, false), "another service asks its own rule");
    assert_eq!(placed(&policy, "network", "auditor"), (false, true));
    policy.amend("compute", "context_is_admin: 'project_id:%(project_id)s or is_admin:True'\n").unwrap();
    let project_id = Some("p".to_owned());
    let mut who = Arc::new(Who { project_id, admin: true, overseer: true, ..Who::default() });
    policy.place("compute", &mut who);
    assert!(!who.admin && !who.overseer, "the rule has no target, and nobody is an administrator before it");
}

#[test]
fn rules_that_ask_for_an_administrator_ask_the_rule_for_that() {
    let policy = administered();
    policy.amend("compute", "context_is_admin: 'role:captain'\n").unwrap();
    let may = |role: &str| {
        let mut who = Arc::new(Who { roles: vec![role.into()], ..Who::default() });
        policy.place("compute", &mut who);
        let told = policy.explain("compute", "admin_api", &who).unwrap().to_string();
        (policy.permits("compute", "admin_api", &who, &Target::none()), told)
    };
    let told = |yours: &str, role: &str| {
        format!(
            "admin_api is for administrator by the rule context_is_admin{yours}. Your token: scope project, roles {role}"
        )
    };
    assert_eq!(may("captain"), (true, told(" (yours)", "captain")));
    assert_eq!(may("admin"), (false, told("", "admin")));
    for (check, both) in [
        ("is_admin:true", [true, false]),
        ("is_admin:1", [false, true]),
        ("not is_admin:%(x)s", [true, false]),
    ] {
        let file = format!("context_is_admin: 'role:captain'\nadmin_api: '{check}'\n");
        let notices = policy.amend("compute", file).unwrap();
        assert_eq!([may("captain").0, may("admin").0], both, "as Nova has it: {check}");
        assert_eq!(notices.len(), usize::from(!check.ends_with("true")), "{notices:?}");
    }
    policy.amend("network", "service_api: 'is_admin:1'\n").unwrap();
    let told = policy.explain("network", "service_api", &Who::default()).unwrap().to_string();
    assert!(told.starts_with("service_api is for nobody."), "the other services compare the word: {told}");
}

#[test]
fn an_explanation_names_rule_role_and_scope() {
    let told = |who: &Who| policy().explain("compute", "thing:show", who).unwrap().to_string();
    assert_eq!(
        told(&reader()),
        "thing:show is for role reader (yours) and project_id equal to the target's project_id; or role admin. \
         Your token: scope project, roles reader"
    );
    assert_eq!(
        told(&Who { system: true, roles: vec!["admin".into()], ..Who::default() }),
        "thing:show is for role admin (yours); or role reader and project_id equal to the target's project_id. \
         It takes tokens of scope project. Your token: scope system, roles admin"
    );
}

#[test]
fn an_explanation_keeps_what_the_operator_names_in_rules() {
    let policy = policy();
    policy.amend("compute", "owner: 'user_id:secret or not domain_id:None and !'\n").unwrap();
    let told = policy.explain("compute", "thing:show", &reader()).unwrap().to_string();
    assert!(told.contains("the user_id that the rule names") && !told.contains("secret"), "{told}");
}

#[test]
fn an_explanation_keeps_to_ways_that_there_are() {
    let policy = policy();
    let told = |check: &str| {
        policy.amend("compute", format!("owner: {check:?}\n")).unwrap();
        policy.explain("compute", "owner", &reader()).unwrap().to_string()
    };
    for (check, way) in [
        ("is_admin:True", "nobody"),
        ("is_admin:False", "any token"),
        ("! or (role:x and !)", "nobody"),
        ("@", "any token"),
        ("not role:reader", "not role reader"),
        ("not (role:x or role:y)", "not role x (yours) and not role y (yours)"),
        ("not domain_id:None", "a domain_id"),
        ("role:x or domian_id:None", "role x"),
        ("role:x or not not domian_id:x", "role x"),
        ("not roles:reader", "not role reader"),
        ("not role:x or role:x", "not role x (yours); or role x"),
        ("role:x or (role:x and role:y)", "role x"),
        ("user_id:%(target.user.id)s", "user_id equal to the target's user.id"),
        ("field:networks:shared=True", "the target's networks:shared equal to True"),
        ("'public':%(visibility)s", "the target's visibility equal to public"),
        ("'8a2f':%(project_id)s", "the target's project_id equal to the value that the rule names"),
        ("field:networks:id=8a2f", "the target's networks:id equal to the value that the rule names"),
        (
            "field:networks:name=~^8a2f",
            "the target's networks:name beginning with the value that the rule names",
        ),
        ("'8a2f':8a%(target.x)s%(y)s", "the target's x and y as the rule names it"),
        ("user_id:8a%(x)s", "user_id equal to what the rule makes of the target's x"),
        ("role:8a%(x)s", "role named by the target's x"),
        ("'8a2f':8a2f", "any token"),
        ("'8a2f':8a", "nobody"),
    ] {
        assert_eq!(
            told(check),
            format!("owner is for {way}. Your token: scope project, roles reader"),
            "{check}"
        );
    }
}
