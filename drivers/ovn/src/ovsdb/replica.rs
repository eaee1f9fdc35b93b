//! A copy of the monitored part of a database, kept up by the server's updates.

use super::datum::Datum;
use super::schema::Schema;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

/// The columns of a row.
pub type Row = BTreeMap<String, Datum>;

/// A row that came, changed or went.
#[derive(Clone, Debug)]
pub struct Change {
    /// Its table.
    pub table: String,
    /// The row before.
    pub old: Option<Arc<Row>>,
    /// The row now.
    pub new: Option<Arc<Row>>,
}

/// A row's table and UUID.
type Place = (String, String);

/// The copy. Rows that carry a tag are found by it; what a tag is, the owner of the copy says.
#[derive(Debug)]
pub struct Replica {
    tables: HashMap<String, HashMap<String, Arc<Row>>>,
    tagged: HashMap<String, BTreeSet<Place>>,
    tag: fn(&Row) -> Option<String>,
}

impl Replica {
    /// An empty copy.
    pub fn new(tag: fn(&Row) -> Option<String>) -> Self {
        Self { tables: HashMap::new(), tagged: HashMap::new(), tag }
    }

    /// A row.
    pub fn row(&self, table: &str, uuid: &str) -> Option<&Arc<Row>> {
        self.tables.get(table)?.get(uuid)
    }

    /// All rows of a table with their UUIDs.
    pub fn rows(&self, table: &str) -> impl Iterator<Item = (&str, &Arc<Row>)> {
        self.tables.get(table).into_iter().flatten().map(|(uuid, row)| (uuid.as_str(), row))
    }

    /// The rows that carry a tag: table, UUID, row.
    pub fn tagged<'a>(
        &'a self,
        tag: &str,
    ) -> impl Iterator<Item = (&'a str, &'a str, &'a Arc<Row>)> + use<'a> {
        let places = self.tagged.get(tag).into_iter().flatten();
        places.filter_map(|(table, uuid)| Some((table.as_str(), uuid.as_str(), self.row(table, uuid)?)))
    }

    /// Takes `table-updates2` in. `afresh` says that it is the whole content and not what changed. `None` is
    /// malformed: the copy is then worthless and must be filled afresh.
    pub fn apply(&mut self, schema: &Schema, updates: &Value, afresh: bool) -> Option<Vec<Change>> {
        let mut gone: BTreeSet<Place> = BTreeSet::new();
        if afresh {
            for (table, rows) in &self.tables {
                gone.extend(rows.keys().map(|uuid| (table.clone(), uuid.clone())));
            }
        }
        let mut changes = Vec::new();
        for (table, rows) in updates.as_object()? {
            for (uuid, update) in rows.as_object()? {
                gone.remove(&(table.clone(), uuid.clone()));
                let row = self.updated(schema, table, uuid, update)?;
                changes.extend(self.put(table, uuid, row));
            }
        }
        for (table, uuid) in gone {
            changes.extend(self.put(&table, &uuid, None));
        }
        Some(changes)
    }

    /// The row as it is after an update.
    fn updated(&self, schema: &Schema, table: &str, uuid: &str, update: &Value) -> Option<Option<Row>> {
        let (word, columns) = update.as_object()?.iter().next()?;
        let mut row = match word.as_str() {
            "delete" => return Some(None),
            "initial" | "insert" => schema.blank(table),
            "modify" => self.row(table, uuid)?.as_ref().clone(),
            _ => return None,
        };
        for (column, value) in columns.as_object()? {
            let datum = Datum::decode(value)?;
            match row.get_mut(column) {
                Some(slot) if word == "modify" && schema.holds_many(table, column) => slot.apply(datum),
                _ => {
                    row.insert(column.clone(), datum);
                }
            }
        }
        Some(Some(row))
    }

    fn put(&mut self, table: &str, uuid: &str, row: Option<Row>) -> Option<Change> {
        let rows = self.tables.entry(table.to_owned()).or_default();
        let new = row.map(Arc::new);
        let old = match &new {
            Some(row) => rows.insert(uuid.to_owned(), Arc::clone(row)),
            None => rows.remove(uuid),
        };
        if old == new {
            return None;
        }
        let place = (table.to_owned(), uuid.to_owned());
        if let Some(tag) = old.as_ref().and_then(|row| (self.tag)(row))
            && let Some(places) = self.tagged.get_mut(&tag)
        {
            places.remove(&place);
            if places.is_empty() {
                self.tagged.remove(&tag);
            }
        }
        if let Some(tag) = new.as_ref().and_then(|row| (self.tag)(row)) {
            self.tagged.entry(tag).or_default().insert(place);
        }
        Some(Change { table: table.to_owned(), old, new })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn schema() -> Schema {
        let many = json!({"type": {"key": "string", "min": 0, "max": "unlimited"}});
        let optional = json!({"type": {"key": "boolean", "min": 0, "max": 1}});
        Schema::decode(&json!({"tables": {"T": {"columns": {"many": many, "up": optional, "name": {"type": "string"}}}}}))
            .unwrap()
    }

    #[test]
    fn updates_are_followed_and_a_fresh_copy_replaces() {
        let schema = schema();
        let mut replica = Replica::new(|row| row["many"].atoms().next().map(|_| "tag".to_owned()));
        let initial = json!({"T": {"1": {"initial": {"many": ["set", ["a", "b"]], "up": ["set", []]}}, "2": {"initial": {}}}});
        assert_eq!(replica.apply(&schema, &initial, true).unwrap().len(), 2);
        let modify = json!({"T": {"1": {"modify": {"many": "b", "up": true}}}});
        assert_eq!(replica.apply(&schema, &modify, false).unwrap().len(), 1);
        let row = replica.row("T", "1").unwrap();
        assert_eq!((&row["many"], &row["up"]), (&Datum::set(["a"]), &Datum::one(true)));
        assert_eq!(row["name"], Datum::one(""));
        assert_eq!(replica.tagged("tag").count(), 1);
        let changes = replica.apply(&schema, &json!({"T": {"2": {"initial": {}}}}), true).unwrap();
        assert_eq!((changes.len(), replica.rows("T").count(), replica.tagged("tag").count()), (1, 1, 0));
    }

    #[test]
    fn malformed_updates_are_errors() {
        let schema = schema();
        for update in
            [json!([]), json!({"T": 1}), json!({"T": {"9": {"modify": {}}}}), json!({"T": {"1": {"x": {}}}})]
        {
            assert!(Replica::new(|_| None).apply(&schema, &update, false).is_none(), "{update}");
        }
    }
}
