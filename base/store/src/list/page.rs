//! One page of a list: the order, where it starts, and how that becomes SQL.

use super::{Column, Direction, List, ListError};
use crate::row::Row;
use crate::tx::Tx;
use crate::value::Value;

/// One key of the total order.
struct Key {
    sql: &'static str,
    direction: Direction,
    nullable: bool,
}

impl List {
    /// `WHERE … ORDER BY … LIMIT …`, to be put after FROM. [`List::params`] has the parameters.
    pub fn sql(&self) -> String {
        let keys = self.order();
        let mut conditions: Vec<String> = self.scope.iter().chain(&self.filters).cloned().collect();
        let mut last = self.params.len();
        if self.marker.is_some() {
            last += 1;
            conditions.push(self.after(&keys, last));
        }
        let mut sql = String::new();
        if !conditions.is_empty() {
            sql = format!("WHERE {} ", conditions.join(" AND "));
        }
        let keys: Vec<String> = keys.iter().map(Key::ordered).collect();
        sql.push_str(&format!("ORDER BY {}", keys.join(", ")));
        if self.limit.is_some() {
            sql.push_str(&format!(" LIMIT ?{}", last + 1));
        }
        sql
    }

    /// The parameters of [`List::sql`], in order, with those given to [`List::before`] in front.
    pub fn params(&self) -> Vec<Value> {
        let mut params = self.params.clone();
        params.extend(self.marker.as_deref().map(Value::from));
        params.extend(self.limit.map(Value::from));
        params
    }

    /// Runs `select` (`SELECT … FROM …`) with this list. An empty answer after a marker that names nothing within the
    /// scope is [`ListError::UnknownMarker`].
    pub fn rows(&self, tx: &Tx, select: &str) -> Result<Vec<Row>, ListError> {
        let sql = format!("{select} {}", self.sql());
        let mut rows = tx.query(&sql, &self.params()).map_err(ListError::Store)?;
        if rows.is_empty() {
            self.check_marker(tx)?;
        }
        if self.backwards {
            rows.reverse();
        }
        Ok(rows)
    }

    /// How many rows the filters match, whatever marker and limit say.
    pub fn count(&self, tx: &Tx) -> Result<u64, ListError> {
        let conditions: Vec<&str> = self.scope.iter().chain(&self.filters).map(String::as_str).collect();
        let filter = if conditions.is_empty() { "1 = 1".to_owned() } else { conditions.join(" AND ") };
        let sql = format!("SELECT count(*) FROM {} WHERE {filter}", self.noun.from);
        let row = tx.query_one(&sql, &self.params).map_err(ListError::Store)?;
        row.map_or(Ok(0), |row| row.get(0)).map_err(ListError::Store)
    }

    /// Whether the marker, if there is one, names a row within the scope. [`List::rows`] asks only when it must.
    pub fn check_marker(&self, tx: &Tx) -> Result<(), ListError> {
        let Some(marker) = &self.marker else { return Ok(()) };
        // The scope's own numbers stay as they are; PostgreSQL wants each parameter to be used, so all filters come too.
        let mut params = self.params.clone();
        params.push(Value::from(marker.as_str()));
        let sql = format!("SELECT 1 {}", self.marked(params.len()));
        match tx.query_one(&sql, &params).map_err(ListError::Store)? {
            Some(_) => Ok(()),
            None => Err(ListError::UnknownMarker(marker.clone())),
        }
    }

    /// `FROM … WHERE id = ?n` within the scope.
    fn marked(&self, place: usize) -> String {
        let scope: String = self.scope.iter().map(|condition| format!(" AND {condition}")).collect();
        format!("FROM {} WHERE {} = ?{place}{scope}", self.noun.from, self.noun.id)
    }

    fn order(&self) -> Vec<Key> {
        let found = |name: &str| self.noun.columns.iter().find(|column| column.api == name).copied();
        let default =
            || self.noun.order.iter().filter_map(|(name, way)| Some((found(name)?, *way))).collect();
        let asked: Vec<(Column, Direction)> =
            if self.keys.is_empty() { default() } else { self.keys.clone() };
        let mut keys: Vec<Key> = Vec::new();
        for (column, direction) in asked {
            keys.push(Key { sql: column.sql, direction, nullable: column.nullable });
            if column.sql == self.noun.id {
                break;
            }
        }
        if keys.last().is_none_or(|key| key.sql != self.noun.id) {
            let direction = keys.last().map_or(Direction::Asc, |key| key.direction);
            keys.push(Key { sql: self.noun.id, direction, nullable: false });
        }
        if self.backwards {
            keys.iter_mut().for_each(|key| key.direction = key.direction.flipped());
        }
        keys
    }

    /// The rows after the marker's. One comparison of tuples where the order allows it: an index can serve that.
    fn after(&self, keys: &[Key], place: usize) -> String {
        let marked = self.marked(place);
        let direction = keys.first().map_or(Direction::Asc, |key| key.direction);
        if keys.iter().all(|key| !key.nullable && key.direction == direction) {
            let tuple = keys.iter().map(|key| key.sql).collect::<Vec<_>>().join(", ");
            return format!("({tuple}) {} (SELECT {tuple} {marked})", symbol(direction));
        }
        let mut alternatives = Vec::new();
        let mut equal = String::new();
        for key in keys {
            let mark = format!("(SELECT {} {marked})", key.sql);
            alternatives.push(format!("({equal}{})", key.beyond(&mark)));
            equal.push_str(&format!("{} IS NOT DISTINCT FROM {mark} AND ", key.sql));
        }
        // Without the marker's row every key would look like NULL, and everything would come after it.
        format!("(EXISTS (SELECT 1 {marked}) AND ({}))", alternatives.join(" OR "))
    }
}

impl Key {
    fn ordered(&self) -> String {
        match (self.direction, self.nullable) {
            (Direction::Asc, false) => self.sql.to_owned(),
            (Direction::Desc, false) => format!("{} DESC", self.sql),
            (Direction::Asc, true) => format!("{} ASC NULLS FIRST", self.sql),
            (Direction::Desc, true) => format!("{} DESC NULLS LAST", self.sql),
        }
    }

    /// What sorts strictly after `mark`.
    fn beyond(&self, mark: &str) -> String {
        let (sql, symbol) = (self.sql, symbol(self.direction));
        match (self.direction, self.nullable) {
            (_, false) => format!("{sql} {symbol} {mark}"),
            (Direction::Asc, true) => format!("({sql} > {mark} OR ({mark} IS NULL AND {sql} IS NOT NULL))"),
            (Direction::Desc, true) => format!("({sql} < {mark} OR ({mark} IS NOT NULL AND {sql} IS NULL))"),
        }
    }
}

fn symbol(direction: Direction) -> &'static str {
    match direction {
        Direction::Asc => ">",
        Direction::Desc => "<",
    }
}
