//! All rules of a cloud: what the services declare, and what the operator says instead.
//!
//! Each service has a table of its own, which is made as a whole: checks read, the rules that they ask found, and none
//! asking itself. A table is replaced while requests ask the one before.

use crate::check::{Check, Left, Rules};
use crate::explain::Explanation;
use crate::file::{self, BadFile};
use crate::rule::{Rule, Scopes};
use crate::who::{Fact, Target, Who};
use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

/// All rules of a cloud.
#[derive(Debug, Default)]
pub struct Policy(Vec<Service>);

/// The rules of a service.
#[derive(Debug)]
struct Service {
    name: &'static str,
    declared: Vec<Rule>,
    table: RwLock<Table>,
}

/// What holds for a service.
#[derive(Debug, Default)]
struct Table {
    by_name: HashMap<Box<str>, usize>,
    entries: Vec<Entry>,
    /// The texts with which rules compare the target as the service declares them.
    literals: HashSet<Box<str>>,
    /// Where the rule is that says who is an administrator, if the service has administrators.
    admin: Option<usize>,
    /// Where the rules are that say who sees every project's things beside them.
    overseers: Vec<usize>,
}

/// A rule that holds.
#[derive(Debug)]
struct Entry {
    name: Box<str>,
    check: Check,
    scopes: Scopes,
    /// The line of the operator's file that says so.
    line: Option<usize>,
    about: &'static str,
}

/// What a rule may cost.
#[derive(Clone, Copy, Debug)]
struct Weight {
    /// So many checks, with those of the rules that it asks.
    checks: u64,
    /// So many rules that ask each other in a row, itself among them.
    chain: usize,
}

/// A rule that holds, as it is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holds {
    /// Its name.
    pub name: String,
    /// Who may.
    pub check: String,
    /// With tokens of which scope.
    pub scopes: Scopes,
    /// The line of the operator's file that says so; none if it is the default.
    pub line: Option<usize>,
    /// What it is about; empty for a rule of the operator's own.
    pub about: &'static str,
}

/// Something in an operator's file that works, but hardly as it was meant.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {what}")]
pub struct Notice {
    /// The line.
    pub line: usize,
    /// What it is.
    pub what: String,
}

/// The rule by which OpenStack's services know their administrators.
const ADMIN: &str = "context_is_admin";
/// Neutron's rules for those who see the things of every project beside them; the first is Neutron's alone.
const OVERSEERS: [&str; 3] = ["context_with_global_access", "context_is_advsvc", "service_api"];

/// The service whose files are Nova's.
const NOVA: &str = "compute";

/// How many checks one answer may take, with those of the rules that it asks.
const LONGEST: u64 = 10_000;
/// How many rules may ask each other in a row.
const LONGEST_CHAIN: usize = 32;

impl Policy {
    /// Reads what the services declare. A mistake in that is one of ours and stops the start.
    pub fn of(tables: &[&[Rule]]) -> Result<Self, BadFile> {
        let service = |rules: &&[Rule]| {
            let table = Table::of(rules, Vec::new())?.0;
            let name = rules.first().map_or("", |rule| rule.service);
            Ok(Service { name, declared: rules.to_vec(), table: RwLock::new(table) })
        };
        tables.iter().map(service).collect::<Result<_, _>>().map(Self)
    }

    /// The services that have rules.
    pub fn services(&self) -> impl Iterator<Item = &'static str> {
        self.0.iter().map(|service| service.name)
    }

    /// From now on the operator's file holds for a service, over what the service declares; an empty one takes it back.
    /// A bad file changes nothing.
    pub fn amend(&self, service: &str, file: impl AsRef<[u8]>) -> Result<Vec<Notice>, BadFile> {
        let service = self.service(service).ok_or_else(|| BadFile::new(1, "there is no such service"))?;
        let (table, notices) = Table::of(&service.declared, file::read(file.as_ref())?)?;
        *service.table.write().unwrap_or_else(PoisonError::into_inner) = table;
        Ok(notices)
    }

    /// Whether there is a rule of that name.
    pub fn knows(&self, service: &str, name: &str) -> bool {
        self.service(service).is_some_and(|service| service.read().by_name.contains_key(name))
    }

    /// Whether the operator's file says a rule.
    pub fn is_said(&self, service: &str, name: &str) -> bool {
        self.service(service)
            .is_some_and(|service| service.read().entry(name).is_some_and(|entry| entry.line.is_some()))
    }

    /// A caller as a service's own rules have him: its administrator, or one who sees every project's things. They are asked
    /// of the caller alone: what they ask of a target, nobody has. Copied only where something is to be said of him.
    pub fn placed<'a>(&self, service: &str, who: &'a Who) -> Cow<'a, Who> {
        let mut who = Cow::Borrowed(who);
        if who.cloud {
            return who;
        }
        if who.admin || who.overseer {
            // What another service made of him counts for nothing here.
            let who = who.to_mut();
            (who.admin, who.overseer) = (false, false);
        }
        let Some(service) = self.service(service) else { return who };
        let (admin, overseer) = service.read().standing(&who);
        if admin || overseer {
            let who = who.to_mut();
            (who.admin, who.overseer) = (admin, overseer);
        }
        who
    }

    /// The same, of a caller who is shared.
    pub fn place(&self, service: &str, who: &mut Arc<Who>) {
        let placed = match self.placed(service, who) {
            Cow::Borrowed(_) => return,
            Cow::Owned(placed) => placed,
        };
        *who = Arc::new(placed);
    }

    /// Whether `who` may do what `rule` names to `target`. An unknown rule allows nothing.
    pub fn allows(&self, rule: &Rule, who: &Who, target: &Target) -> bool {
        self.permits(rule.service, rule.name, who, target)
    }

    /// The same for a rule by its name.
    pub fn permits(&self, service: &str, name: &str, who: &Who, target: &Target) -> bool {
        self.decide(service, name, who, target, |scopes| who.cloud || scopes.take(who.scope()))
    }

    /// Whether the check of a rule holds, whatever the token is for: as it counts inside of another one.
    pub fn holds(&self, service: &str, name: &str, who: &Who, target: &Target) -> bool {
        self.decide(service, name, who, target, |_| true)
    }

    fn decide(
        &self,
        service: &str,
        name: &str,
        who: &Who,
        target: &Target,
        takes: impl Fn(Scopes) -> bool,
    ) -> bool {
        let Some(service) = self.service(service) else { return false };
        let table = service.read();
        let Some(entry) = table.entry(name) else { return false };
        takes(entry.scopes) && entry.check.holds(who, target, &*table)
    }

    /// What a caller lacks for a rule. It is told without looking at any target, so that it tells nothing of one.
    pub fn explain(&self, service: &str, name: &str, who: &Who) -> Option<Explanation> {
        let table = self.service(service)?.read();
        let entry = table.entry(name)?;
        Some(Explanation::of(&entry.name, &entry.check, entry.scopes, who, &*table))
    }

    /// Every rule that holds for a service, in the order in which they are declared.
    pub fn holding(&self, service: &str) -> Vec<Holds> {
        let Some(service) = self.service(service) else { return Vec::new() };
        let shown = |entry: &Entry| Holds {
            name: entry.name.to_string(),
            check: entry.check.to_string(),
            scopes: entry.scopes,
            line: entry.line,
            about: entry.about,
        };
        service.read().entries.iter().map(shown).collect()
    }

    /// What a rule asks of its target, directly or through others: the names of values.
    pub fn asked_of_target(&self, service: &str, name: &str) -> BTreeSet<String> {
        let mut keys = BTreeSet::new();
        let Some(service) = self.service(service) else { return keys };
        let table = service.read();
        let mut open: Vec<usize> = table.by_name.get(name).copied().into_iter().collect();
        let mut seen = HashSet::new();
        while let Some(at) = open.pop() {
            if !seen.insert(at) {
                continue;
            }
            table.entries[at].check.visit(false, &mut |check, _| match check {
                Check::Rule(rule) => open.push(rule.at),
                Check::Role(text) | Check::Equal(_, text) => keys.extend(text.keys().map(str::to_owned)),
                Check::Field(field) => drop(keys.insert(field.key.to_string())),
                _ => {}
            });
        }
        keys
    }

    fn service(&self, name: &str) -> Option<&Service> {
        self.0.iter().find(|service| service.name == name)
    }
}

impl Service {
    fn read(&self) -> RwLockReadGuard<'_, Table> {
        self.table.read().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Rules for Table {
    fn check(&self, at: usize) -> Option<&Check> {
        self.entries.get(at).map(|entry| &entry.check)
    }

    fn admin(&self) -> Option<&str> {
        self.admin.and_then(|at| self.entries.get(at)).map(|entry| &*entry.name)
    }

    fn is_in_defaults(&self, text: &str) -> bool {
        self.literals.contains(text)
    }
}

impl Entry {
    /// Its check as Nova reads it.
    fn read_as_nova(&mut self) -> Option<Notice> {
        let odd = self.check.read_as_nova();
        let what =
            "is_admin: with any other word than true holds for whoever is no administrator, as in Nova";
        self.line.filter(|_| odd).map(|line| Notice { line, what: what.to_owned() })
    }
}

impl Table {
    fn entry(&self, name: &str) -> Option<&Entry> {
        self.by_name.get(name).and_then(|at| self.entries.get(*at))
    }

    /// Whether a caller is an administrator, and whether he sees every project's things. A service without administrators
    /// has none of either.
    fn standing(&self, who: &Who) -> (bool, bool) {
        let holds = |at: usize| self.check(at).is_some_and(|check| check.holds(who, &Target::none(), self));
        let admin = self.admin.is_some_and(holds);
        (admin, admin || self.overseers.iter().copied().any(holds))
    }

    /// Joins what is declared with the lines of a file.
    fn of(declared: &[Rule], lines: Vec<file::Line>) -> Result<(Self, Vec<Notice>), BadFile> {
        let mut table = Self::default();
        for rule in declared {
            let check =
                Check::parse(rule.default).map_err(|why| BadFile::new(0, format!("{}: {why}", rule.name)))?;
            table.literals.extend(check.literals());
            let (scopes, about) = (rule.scopes, rule.about);
            table.put(Entry { name: rule.name.into(), check, scopes, line: None, about });
        }
        let mut notices = Vec::new();
        let said: HashSet<String> = lines.iter().map(|line| line.name.clone()).collect();
        for line in lines {
            let newer =
                declared.iter().filter(|rule| rule.was_called(&line.name) && !said.contains(rule.name));
            newer.for_each(|rule| notices.extend(table.say_of_older(rule, &line, &said)));
            table.say(&line.name, line.check, line.number);
        }
        if declared.first().is_some_and(|rule| rule.service == NOVA) {
            notices.extend(table.entries.iter_mut().filter_map(Entry::read_as_nova));
        }
        table.bind(declared.len(), &mut notices)?;
        table.weigh()?;
        table.deny_nothing()?;
        table.admin = table.by_name.get(ADMIN).copied();
        if table.by_name.contains_key(OVERSEERS[0]) {
            table.overseers = OVERSEERS.iter().filter_map(|name| table.by_name.get(*name).copied()).collect();
        }
        table.doubt(declared, &mut notices);
        notices.sort_by_key(|notice| notice.line);
        Ok((table, notices))
    }

    fn put(&mut self, entry: Entry) {
        self.by_name.insert(entry.name.clone(), self.entries.len());
        self.entries.push(entry);
    }

    /// The operator's word for a rule, which keeps its scopes.
    fn say(&mut self, name: &str, check: Check, line: usize) {
        match self.by_name.get(name).and_then(|at| self.entries.get_mut(*at)) {
            Some(entry) => (entry.check, entry.line) = (check, Some(line)),
            None => {
                self.put(Entry {
                    name: name.into(),
                    check,
                    scopes: Scopes::ANY,
                    line: Some(line),
                    about: "",
                });
            }
        }
    }

    /// What the operator says of an older name counts for the newer one, unless it only names that, or another newer one that
    /// there is not here, or repeats what held by default under the older name.
    fn say_of_older(&mut self, rule: &Rule, line: &file::Line, said: &HashSet<String>) -> Option<Notice> {
        if line.check.asks_only() == Some(rule.name) {
            return None;
        }
        let default = rule.was.and_then(|older| Check::parse(older.default).ok());
        let told = if default.as_ref() == Some(&line.check) {
            "whose default holds: this was the default before"
        } else if line.check.asks_only().is_some_and(|other| self.is_absent_newer(&line.name, other, said)) {
            "whose default holds: there is no such operation as this line names"
        } else {
            self.say(rule.name, line.check.clone(), line.number);
            "which this line is taken for"
        };
        let what = format!("rule {:?} is called {:?} now, {told}", line.name, rule.name);
        Some(Notice { line: line.number, what })
    }

    /// Whether this is what a name that became several is another word for, of an operation that there is not here.
    fn is_absent_newer(&self, older: &str, newer: &str, said: &HashSet<String>) -> bool {
        let of_older = newer.strip_prefix(older).is_some_and(|rest| rest.starts_with(':'));
        of_older && !self.by_name.contains_key(newer) && !said.contains(newer)
    }

    /// Finds the rules that are asked. One that there is not is refused where an operation hangs on it. A file of the real
    /// service also has the rules of operations that there are not here: of those, it is only noticed.
    fn bind(&mut self, declared: usize, notices: &mut Vec<Notice>) -> Result<(), BadFile> {
        let needed = self.needed(declared);
        let by_name = &self.by_name;
        for (at, entry) in self.entries.iter_mut().enumerate() {
            let Err(missing) = entry.check.bind(&|name| by_name.get(name).copied()) else { continue };
            let why = format!("rule {:?} asks rule {missing:?}, which there is not", entry.name);
            let line = entry.line.unwrap_or(0);
            if needed.contains(&at) {
                return Err(BadFile::new(line, why));
            }
            entry.check = Check::Never;
            notices.push(Notice { line, what: format!("{why}: it is for nobody, and no operation asks it") });
        }
        Ok(())
    }

    /// Whether a rule is of an attribute of what a declared one is about, as Neutron's are: `get_network:mtu` beside
    /// `get_network`.
    fn is_of_attribute(&self, declared: usize, name: &str) -> bool {
        let about = name.split_once(':').and_then(|(operation, _)| self.by_name.get(operation));
        about.is_some_and(|at| *at < declared)
    }

    /// Where the rules are that operations ask: those that are declared, which come first, and of attributes; and those that
    /// they ask.
    fn needed(&self, declared: usize) -> HashSet<usize> {
        let of_operation =
            |at: &usize| *at < declared || self.is_of_attribute(declared, &self.entries[*at].name);
        let mut open: Vec<usize> = (0..self.entries.len()).filter(of_operation).collect();
        let mut needed = HashSet::new();
        while let Some(at) = open.pop() {
            if needed.insert(at) {
                self.entries[at].check.visit(false, &mut |check, _| {
                    if let Check::Rule(rule) = check {
                        open.extend(self.by_name.get(&rule.name));
                    }
                });
            }
        }
        needed
    }

    /// Counts what each rule may cost. One that asks itself would never end.
    fn weigh(&self) -> Result<(), BadFile> {
        let mut weights = vec![None; self.entries.len()];
        (0..self.entries.len()).try_for_each(|at| self.weight(at, &mut weights, &mut Vec::new()).map(drop))
    }

    fn weight(
        &self,
        at: usize,
        weights: &mut [Option<Weight>],
        path: &mut Vec<usize>,
    ) -> Result<Weight, BadFile> {
        if let Some(weight) = weights[at] {
            return Ok(weight);
        }
        self.refuse_endless(at, path)?;
        path.push(at);
        let mut asked = Vec::new();
        let mut weight = Weight { checks: 0, chain: 1 };
        self.entries[at].check.visit(false, &mut |check, _| {
            weight.checks += 1;
            if let Check::Rule(rule) = check {
                asked.push(rule.at);
            }
        });
        for other in asked {
            let other = self.weight(other, weights, path)?;
            weight.checks = weight.checks.saturating_add(other.checks);
            weight.chain = weight.chain.max(other.chain + 1);
        }
        path.pop();
        if weight.chain > LONGEST_CHAIN {
            return Err(self.too_long(at, path));
        }
        if weight.checks > LONGEST {
            let why = format!("rule {:?} asks more than {LONGEST} checks", self.entries[at].name);
            return Err(BadFile::new(self.entries[at].line.unwrap_or(0), why));
        }
        weights[at] = Some(weight);
        Ok(weight)
    }

    /// Refuses to follow rules in a circle, or deeper than the stack may go.
    fn refuse_endless(&self, at: usize, path: &[usize]) -> Result<(), BadFile> {
        if let Some(begin) = path.iter().position(|before| *before == at) {
            let circle: Vec<_> =
                path[begin..].iter().chain([&at]).map(|at| &*self.entries[*at].name).collect();
            let why = format!("a rule asks itself: {}", circle.join(", which asks "));
            return Err(BadFile::new(self.last_line(at, &path[begin..]), why));
        }
        if path.len() == LONGEST_CHAIN { Err(self.too_long(at, path)) } else { Ok(()) }
    }

    fn too_long(&self, at: usize, path: &[usize]) -> BadFile {
        let why = format!("rules ask each other more than {LONGEST_CHAIN} times in a row");
        BadFile::new(self.last_line(at, path), why)
    }

    /// The last line of the file that says something of these rules.
    fn last_line(&self, at: usize, path: &[usize]) -> usize {
        path.iter().chain([&at]).filter_map(|at| self.entries[*at].line).max().unwrap_or(0)
    }

    /// Refuses a `not` of what no caller has, which holds for everybody. Rules that a `not` asks are looked at too.
    fn deny_nothing(&self) -> Result<(), BadFile> {
        let mut open: Vec<_> = (0..self.entries.len()).map(|at| (at, false)).collect();
        let mut seen = HashSet::new();
        while let Some((at, denied)) = open.pop() {
            if !seen.insert((at, denied)) {
                continue;
            }
            let (entry, mut empty) = (&self.entries[at], None);
            entry.check.visit(denied, &mut |check, denied| match check {
                Check::Rule(rule) => open.push((rule.at, denied)),
                Check::Equal(Left::Caller(Fact::Unknown, word), _) if denied => empty = Some(word.clone()),
                _ => {}
            });
            if let Some(word) = empty {
                let why = format!(
                    "rule {:?}: no caller has an attribute {word:?}, so a `not` of it holds for everybody",
                    entry.name
                );
                return Err(BadFile::new(entry.line.unwrap_or(0), why));
            }
        }
        Ok(())
    }

    /// What works, but hardly as it was meant.
    fn doubt(&self, declared: &[Rule], notices: &mut Vec<Notice>) {
        let mut asked = HashSet::new();
        for entry in &self.entries {
            entry.check.visit(false, &mut |check, _| match check {
                Check::Rule(rule) => drop(asked.insert(rule.at)),
                Check::Equal(Left::Caller(Fact::Unknown, word), _) => {
                    if let Some(line) = entry.line {
                        let what = format!("no caller has an attribute {word:?}: {check} never holds");
                        notices.push(Notice { line, what });
                    }
                }
                _ => {}
            });
        }
        for (at, entry) in self.entries.iter().enumerate() {
            let used = asked.contains(&at)
                || declared.iter().any(|rule| rule.was_called(&entry.name))
                || self.is_of_attribute(declared.len(), &entry.name);
            if let (Some(line), "", false) = (entry.line, entry.about, used) {
                let what =
                    format!("rule {:?} is no operation of this cloud, and no rule asks it", entry.name);
                notices.push(Notice { line, what });
            }
        }
    }
}
