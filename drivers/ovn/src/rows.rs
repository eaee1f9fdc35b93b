//! The difference between the rows that an object wants and the rows that it has, as one transaction.
//!
//! Every row of ours says in its `external_ids` whose it is (`drystone:kind`, `drystone:id`) and which row of that
//! owner (`drystone:row`); OVN's UUIDs are looked up by that each time and never kept. Equal rows cost nothing, so an
//! ensure that finds its work done is an empty transaction. An update carries a `wait` on the values it was computed
//! from: of two writers one loses, looks again and finds less to do.

use crate::ovsdb::{Atom, Datum, Replica, Row};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// The object that a row serves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// What it is (`port`).
    pub kind: &'static str,
    /// Its id.
    pub id: String,
}

impl Owner {
    /// The owner of that kind and id.
    pub fn new(kind: &'static str, id: &str) -> Self {
        Self { kind, id: id.to_owned() }
    }

    /// Under what its rows are found.
    pub fn tag(&self) -> String {
        format!("{}/{}", self.kind, self.id)
    }
}

/// The tag of a row, if it is ours.
pub fn tag_of(row: &Row) -> Option<String> {
    Some(format!("{}/{}", label(row, "kind")?, label(row, "id")?))
}

/// A label of ours on a row.
pub fn label<'a>(row: &'a Row, name: &str) -> Option<&'a str> {
    row.get("external_ids")?.get(&format!("drystone:{name}"))
}

/// The row of an owner by its word: UUID and columns.
pub fn find<'a>(replica: &'a Replica, owner: &Owner, word: &str) -> Option<(&'a str, &'a Row)> {
    let mut rows = replica.tagged(&owner.tag());
    rows.find(|(_, _, row)| label(row, "row") == Some(word)).map(|(_, uuid, row)| (uuid, row.as_ref()))
}

/// In which column of which table a row that is not a root is held.
fn holder(table: &str) -> Option<(&'static str, &'static str)> {
    Some(match table {
        "Logical_Switch_Port" => ("Logical_Switch", "ports"),
        "Logical_Router_Port" => ("Logical_Router", "ports"),
        "Logical_Router_Static_Route" => ("Logical_Router", "static_routes"),
        "NAT" => ("Logical_Router", "nat"),
        "Gateway_Chassis" => ("Logical_Router_Port", "gateway_chassis"),
        "ACL" => ("Port_Group", "acls"),
        "Bridge" => ("Open_vSwitch", "bridges"),
        "Port" => ("Bridge", "ports"),
        _ => return None,
    })
}

/// By what a wanted row is held.
#[derive(Clone, Debug)]
enum Parent {
    Nothing,
    Own(String),
    Row(String),
}

/// A row as it should be. Columns that are not named are left as they are.
#[derive(Clone, Debug)]
pub struct Wanted {
    table: &'static str,
    word: String,
    columns: BTreeMap<&'static str, Datum>,
    labels: BTreeMap<String, String>,
    parent: Parent,
}

impl Wanted {
    /// A row of that table, known to its owner by `word`.
    pub fn new(table: &'static str, word: impl Into<String>) -> Self {
        let (columns, labels) = (BTreeMap::new(), BTreeMap::new());
        Self { table, word: word.into(), columns, labels, parent: Parent::Nothing }
    }

    /// By what its owner knows it.
    pub fn word(&self) -> &str {
        &self.word
    }

    /// The column holds this. [`Atom::Named`] in it names a row of the same owner by its word.
    pub fn with(mut self, column: &'static str, datum: Datum) -> Self {
        self.columns.insert(column, datum);
        self
    }

    /// The column holds this one value.
    pub fn one(self, column: &'static str, atom: impl Into<Atom>) -> Self {
        self.with(column, Datum::one(atom))
    }

    /// A further label of ours.
    pub fn label(mut self, name: &str, value: impl Into<String>) -> Self {
        self.labels.insert(format!("drystone:{name}"), value.into());
        self
    }

    /// A further entry of `external_ids` that others read.
    pub fn external(mut self, name: &str, value: impl Into<String>) -> Self {
        self.labels.insert(name.to_owned(), value.into());
        self
    }

    /// It is held by the owner's row of that word.
    pub fn under(mut self, word: &str) -> Self {
        self.parent = Parent::Own(word.to_owned());
        self
    }

    /// It is held by this row, which is there already.
    pub fn under_row(mut self, uuid: &str) -> Self {
        self.parent = Parent::Row(uuid.to_owned());
        self
    }
}

/// What is to be committed.
#[derive(Debug, Default)]
pub struct Transaction {
    /// The operations.
    pub operations: Vec<Value>,
    /// The insertions among them: their index, and the table.
    pub inserts: Vec<(usize, &'static str)>,
}

type Slot = (&'static str, Atom, &'static str);

/// A transaction in the making.
pub struct Draft<'a> {
    replica: &'a Replica,
    waits: Vec<Value>,
    inserts: Vec<(&'static str, Value)>,
    updates: Vec<Value>,
    members: BTreeMap<Slot, (BTreeSet<Atom>, BTreeSet<Atom>)>,
    pairs: Vec<Value>,
    deletes: Vec<Value>,
}

impl<'a> Draft<'a> {
    /// Nothing to do so far.
    pub fn new(replica: &'a Replica) -> Self {
        let (waits, inserts, updates, pairs, deletes) = Default::default();
        Self { replica, waits, inserts, updates, members: BTreeMap::new(), pairs, deletes }
    }

    /// The owner has exactly these rows. Answers with the row behind each word.
    pub fn owns(&mut self, owner: &Owner, wanted: Vec<Wanted>) -> BTreeMap<String, Atom> {
        let mut present: BTreeMap<(String, String), (&str, &Row)> = BTreeMap::new();
        let mut surplus = Vec::new();
        for (table, uuid, row) in self.replica.tagged(&owner.tag()) {
            let key = (table.to_owned(), label(row, "row").unwrap_or_default().to_owned());
            if present.contains_key(&key)
                || !wanted.iter().any(|want| want.table == table && want.word == key.1)
            {
                surplus.push((table.to_owned(), uuid.to_owned()));
            } else {
                present.insert(key, (uuid, row));
            }
        }
        let mut names = BTreeMap::new();
        let mut next = self.inserts.len();
        for want in &wanted {
            let atom = match present.get(&(want.table.to_owned(), want.word.clone())) {
                Some((uuid, _)) => Atom::Uuid((*uuid).to_owned()),
                None => {
                    next += 1;
                    Atom::Named(format!("row{}", next - 1))
                }
            };
            names.insert(want.word.clone(), atom);
        }
        for want in wanted {
            let found = present.get(&(want.table.to_owned(), want.word.clone())).copied();
            self.row(owner, want, found, &names);
        }
        for (table, uuid) in surplus {
            self.drop_row(&table, &uuid);
        }
        names
    }

    /// The column of a row that is there holds exactly this.
    pub fn column(&mut self, table: &'static str, uuid: &str, row: &Row, column: &'static str, datum: Datum) {
        self.update(table, uuid, row, BTreeMap::from([(column, datum)]));
    }

    /// A set of a row that is there holds (or lacks) these atoms, whatever else it holds.
    pub fn member(&mut self, table: &'static str, uuid: &str, column: &'static str, atom: Atom, holds: bool) {
        let slot = self.members.entry((table, Atom::Uuid(uuid.to_owned()), column)).or_default();
        if holds {
            slot.0.insert(atom)
        } else {
            slot.1.insert(atom)
        };
    }

    /// Of a map of a row that is there, the pairs that have one of `keys` are exactly `pairs`.
    pub fn pairs(
        &mut self,
        (table, uuid, row): (&str, &str, &Row),
        column: &str,
        keys: &BTreeSet<String>,
        pairs: &BTreeMap<String, String>,
    ) {
        let now = row.get(column);
        let value = |key: &str| now.and_then(|datum| datum.get(key));
        let changed = |key: &&String| value(key) != pairs.get(*key).map(String::as_str);
        // A set: what has a key before and after would else be named twice, which the database refuses.
        let wrong: BTreeSet<&String> = keys.iter().chain(pairs.keys()).filter(changed).collect();
        if wrong.is_empty() {
            return;
        }
        let old = wrong.iter().filter(|key| value(key).is_some()).map(|key| Atom::from(key.as_str()));
        let new = wrong.iter().filter_map(|key| Some((key.as_str(), pairs.get(*key)?.as_str())));
        let mutations = json!([
            [column, "delete", ["set", old.map(|atom| atom.encode()).collect::<Vec<_>>()]],
            [column, "insert", Datum::map(new).encode()],
        ]);
        self.pairs
            .push(json!({"op": "mutate", "table": table, "where": itself(uuid), "mutations": mutations}));
    }

    /// All of it, in an order in which each operation finds what it needs.
    pub fn finish(self) -> Transaction {
        let mut operations = self.waits;
        let mut inserts = Vec::new();
        for (table, insert) in self.inserts {
            inserts.push((operations.len(), table));
            operations.push(insert);
        }
        operations.extend(self.updates);
        for ((table, row, column), (add, remove)) in self.members {
            let encode = |atoms: BTreeSet<Atom>| Datum::Set(atoms).encode();
            let mut mutations = Vec::new();
            if !remove.is_empty() {
                mutations.push(json!([column, "delete", encode(remove)]));
            }
            if !add.is_empty() {
                mutations.push(json!([column, "insert", encode(add)]));
            }
            let itself = json!([["_uuid", "==", row.encode()]]);
            operations.push(json!({"op": "mutate", "table": table, "where": itself, "mutations": mutations}));
        }
        operations.extend(self.pairs);
        operations.extend(self.deletes);
        Transaction { operations, inserts }
    }

    fn row(
        &mut self,
        owner: &Owner,
        want: Wanted,
        found: Option<(&str, &Row)>,
        names: &BTreeMap<String, Atom>,
    ) {
        let mut labels = want.labels;
        for (name, value) in [("kind", owner.kind), ("id", &owner.id), ("row", &want.word)] {
            labels.insert(format!("drystone:{name}"), value.to_owned());
        }
        let mut columns: BTreeMap<_, _> =
            want.columns.into_iter().map(|(name, datum)| (name, resolve(datum, names))).collect();
        columns.insert("external_ids", labelled(found.map(|(_, row)| row), labels));
        let parent = match want.parent {
            Parent::Nothing => None,
            Parent::Own(word) => names.get(&word).cloned(),
            Parent::Row(uuid) => Some(Atom::Uuid(uuid)),
        };
        let this = match found {
            Some((uuid, row)) => {
                self.update(want.table, uuid, row, columns);
                Atom::Uuid(uuid.to_owned())
            }
            None => self.insert(want.table, columns),
        };
        if let (Some(parent), Some((table, column))) = (parent, holder(want.table)) {
            self.hold(table, column, parent, this);
        }
    }

    fn insert(&mut self, table: &'static str, columns: BTreeMap<&'static str, Datum>) -> Atom {
        let name = format!("row{}", self.inserts.len());
        let columns: serde_json::Map<String, Value> =
            columns.into_iter().map(|(column, datum)| (column.to_owned(), datum.encode())).collect();
        self.inserts
            .push((table, json!({"op": "insert", "table": table, "uuid-name": name, "row": columns})));
        Atom::Named(name)
    }

    fn update(&mut self, table: &str, uuid: &str, row: &Row, columns: BTreeMap<&'static str, Datum>) {
        let changed: Vec<_> =
            columns.into_iter().filter(|(name, datum)| row.get(*name) != Some(datum)).collect();
        if changed.is_empty() {
            return;
        }
        let names: Vec<&str> = changed.iter().map(|(name, _)| *name).collect();
        let old: serde_json::Map<String, Value> =
            names.iter().filter_map(|name| Some(((*name).to_owned(), row.get(*name)?.encode()))).collect();
        let new: serde_json::Map<String, Value> =
            changed.iter().map(|(name, datum)| ((*name).to_owned(), datum.encode())).collect();
        self.waits.push(json!({
            "op": "wait", "timeout": 0, "table": table, "where": itself(uuid),
            "columns": names, "until": "==", "rows": [old],
        }));
        self.updates.push(json!({"op": "update", "table": table, "where": itself(uuid), "row": new}));
    }

    /// The row is held by this parent and by no other.
    fn hold(&mut self, table: &'static str, column: &'static str, parent: Atom, this: Atom) {
        if let Some(uuid) = this.uuid() {
            let holds = |row: &Row| row.get(column).is_some_and(|set| set.holds_row(uuid));
            let others =
                self.replica.rows(table).filter(|(other, row)| parent.uuid() != Some(*other) && holds(row));
            for (other, _) in others.collect::<Vec<_>>() {
                self.member(table, other, column, this.clone(), false);
            }
            if parent.uuid().and_then(|parent| self.replica.row(table, parent)).is_some_and(|row| holds(row))
            {
                return;
            }
        }
        self.members.entry((table, parent, column)).or_default().0.insert(this);
    }

    /// The row goes: a root is deleted, any other is let go of. An interface goes with the port that names it.
    fn drop_row(&mut self, table: &str, uuid: &str) {
        match holder(table) {
            None if table == "Interface" => {}
            None => self.deletes.push(json!({"op": "delete", "table": table, "where": itself(uuid)})),
            Some((parents, column)) => {
                let holds = |row: &Row| row.get(column).is_some_and(|set| set.holds_row(uuid));
                let holders = self.replica.rows(parents).filter(|(_, row)| holds(row));
                for (parent, _) in holders.collect::<Vec<_>>() {
                    self.member(parents, parent, column, Atom::Uuid(uuid.to_owned()), false);
                }
            }
        }
    }
}

/// `external_ids` with these labels and without any other of ours. What others wrote stays: ovn-controller keeps its
/// conntrack zones on `br-int`.
fn labelled(row: Option<&Row>, labels: BTreeMap<String, String>) -> Datum {
    let mut pairs: BTreeMap<Atom, Atom> = match row.and_then(|row| row.get("external_ids")) {
        Some(Datum::Map(pairs)) => pairs.clone(),
        _ => BTreeMap::new(),
    };
    pairs.retain(|key, _| key.text().is_some_and(|key| !key.starts_with("drystone:")));
    pairs.extend(labels.into_iter().map(|(key, value)| (Atom::Text(key), Atom::Text(value))));
    Datum::Map(pairs)
}

/// The condition that selects one row.
fn itself(uuid: &str) -> Value {
    json!([["_uuid", "==", ["uuid", uuid]]])
}

/// Puts rows in the place of their words.
fn resolve(datum: Datum, names: &BTreeMap<String, Atom>) -> Datum {
    match datum {
        Datum::Set(atoms) => Datum::Set(
            atoms
                .into_iter()
                .map(|atom| match &atom {
                    Atom::Named(word) => names.get(word).cloned().unwrap_or(atom),
                    _ => atom,
                })
                .collect(),
        ),
        map @ Datum::Map(_) => map,
    }
}
