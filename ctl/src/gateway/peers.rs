//! Edges and services of one gateway.

use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::output::{Printer, Table};
use crate::plane::{Call, Plane};
use crate::timestamp::age;
use hyper::Method;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::Value;
use std::time::Duration;

/// As many as a page may have.
const PAGE: usize = 1000;

/// How a gateway's REST side calls a kind of peers, and what people see of one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peers {
    /// `edge`, `service`.
    pub(crate) name: &'static str,
    plural: &'static str,
    id: &'static str,
    columns: &'static [(&'static str, &'static str)],
}

impl Peers {
    pub(crate) const EDGES: Self = Self {
        name: "edge",
        plural: "edges",
        id: "edge_id",
        columns: &[
            ("EDGE", "edge_id"),
            ("META", "meta"),
            ("ADDR", "addr"),
            ("SUBJECT", "subject"),
            ("METHODS", "rpcs"),
            ("STREAMS", "streams"),
            ("CALLS FROM", "calls_from"),
            ("CALLS TO", "calls_to"),
            ("AGE", "create_time"),
        ],
    };

    pub(crate) const SERVICES: Self = Self {
        name: "service",
        plural: "services",
        id: "service_id",
        columns: &[
            ("SERVICE", "service_id"),
            ("NAME", "service"),
            ("ADDR", "addr"),
            ("SUBJECT", "subject"),
            ("METHODS", "rpcs"),
            ("TOPICS", "topics"),
            ("STREAMS", "streams"),
            ("CALLS TO", "calls_to"),
            ("AGE", "create_time"),
        ],
    };

    fn path(self, id: &str) -> String {
        format!("/v1/{}/{id}", self.plural)
    }

    fn path_of(self, list: &str) -> String {
        format!("/v1/{}{list}", self.plural)
    }

    /// Lists them, those that answer `rpc` if it is set, in the order in which they connected, which a gateway reads page by
    /// page without looking at all others.
    pub(crate) async fn list(
        self,
        plane: &mut Plane,
        rpc: Option<&str>,
        limit: usize,
        printer: &Printer,
    ) -> Outcome {
        let filter = rpc.map(|rpc| ("rpc", rpc.to_owned()));
        let records = pages(plane, &self.path_of(""), self.plural, filter, limit).await?;
        printer.list(&self.table(&records), &records)
    }

    /// How many there are, of those that answer `rpc` if it is set.
    pub(crate) async fn count(self, plane: &mut Plane, rpc: Option<&str>) -> Outcome<u64> {
        let mut query = vec![("page_size", "1".to_owned())];
        query.extend(rpc.map(|rpc| ("rpc", rpc.to_owned())));
        let page: Value = plane.get(&self.path_of(""), &query).await?;
        page["count"]
            .as_u64()
            .ok_or_else(|| Failure::new(Exit::Failure, "the gateway does not say how many there are"))
    }

    /// Lists the methods that they answer, or that the one of this id does.
    pub(crate) async fn rpcs(
        self,
        plane: &mut Plane,
        id: Option<&str>,
        limit: usize,
        printer: &Printer,
    ) -> Outcome {
        let filter = id.map(number).transpose()?.map(|id| (self.id, id));
        let rpcs = pages(plane, &self.path_of("/rpcs"), "rpcs", filter, limit).await?;
        let mut table = Table::new(&["METHOD"]);
        for rpc in &rpcs {
            table.row([cell("rpc", rpc)]);
        }
        if let Some(id) = id.filter(|_| rpcs.is_empty()) {
            // One that has none, or nobody.
            return match plane.get::<Value>(&self.path(&number(id)?), &[]).await {
                Ok(_) => printer.list(&table, &rpcs),
                Err(failure) if failure.is_not_found() => self.none_is(&[id]),
                Err(failure) => Err(failure),
            };
        }
        printer.list(&table, &rpcs)
    }

    /// Shows those of these ids.
    pub(crate) async fn get(self, plane: &mut Plane, ids: &[String], printer: &Printer) -> Outcome {
        let (mut records, mut missing) = (Vec::new(), Vec::new());
        for id in ids {
            match plane.get::<Value>(&self.path(&number(id)?), &[]).await {
                Ok(record) => records.push(record),
                Err(failure) if failure.is_not_found() => missing.push(id.as_str()),
                Err(failure) => return Err(failure),
            }
        }
        match records.as_slice() {
            [] => {}
            [record] if missing.is_empty() => printer.one(&self.table(&records), record)?,
            _ => printer.list(&self.table(&records), &records)?,
        }
        self.none_is(&missing)
    }

    /// Closes the connections of those of these ids.
    pub(crate) async fn kick(self, plane: &mut Plane, ids: &[String]) -> Outcome {
        // A mistake in the last id must not be found when the first ones are gone.
        let paths = ids.iter().map(|id| Ok(self.path(&number(id)?))).collect::<Outcome<Vec<_>>>()?;
        let mut missing = Vec::new();
        for (id, path) in ids.iter().zip(paths) {
            let call = Call { method: Method::DELETE, path: &path, query: &[], body: None };
            match plane.call::<Value>(&call).await {
                Ok(_) => {}
                Err(failure) if failure.is_not_found() => missing.push(id.as_str()),
                Err(failure) => return Err(failure),
            }
        }
        self.none_is(&missing)
    }

    fn none_is(self, missing: &[&str]) -> Outcome {
        if missing.is_empty() {
            return Ok(());
        }
        Err(Failure::new(Exit::Failure, format!("not at this gateway: {} {}", self.name, missing.join(", ")))
            .advise("`--from frontlas` finds the gateway where it is; --gateway is which one to ask"))
    }

    fn table(self, records: &[Value]) -> Table {
        let header: Vec<&str> = self.columns.iter().map(|(header, _)| *header).collect();
        let mut table = Table::new(&header);
        for record in records {
            table.row(self.columns.iter().map(|(_, field)| cell(field, &record[field])));
        }
        table
    }
}

/// A list from its first page to its last, or up to so many. A terminal sees on standard error how far it is.
async fn pages(
    plane: &mut Plane,
    path: &str,
    of: &str,
    filter: Option<(&str, String)>,
    limit: usize,
) -> Outcome<Vec<Value>> {
    let progress = ProgressBar::no_length().with_style(ProgressStyle::default_spinner());
    let mut items: Vec<Value> = Vec::new();
    let mut token = None;
    while items.len() < limit {
        let size = PAGE.min(limit - items.len());
        let mut query = vec![("order", "+create_time".to_owned()), ("page_size", size.to_string())];
        query.extend(filter.clone());
        query.extend(token.take().map(|token| ("page_token", token)));
        let mut page: Value = plane.get(path, &query).await?;
        if let Some(Value::Array(some)) = page.get_mut(of).map(Value::take) {
            items.extend(some);
        }
        progress.set_message(format!("{} {of}", items.len()));
        progress.tick();
        token = page["next_page_token"].as_str().filter(|token| !token.is_empty()).map(str::to_owned);
        if token.is_none() {
            break;
        }
    }
    progress.finish_and_clear();
    Ok(items)
}

/// An id, which goes into a path.
fn number(id: &str) -> Outcome<String> {
    let number =
        id.parse::<u64>().map_err(|_| Failure::usage(format!("{id:?} is no id: a whole number is")))?;
    Ok(number.to_string())
}

fn cell(field: &str, value: &Value) -> String {
    match (field, value) {
        ("create_time", Value::String(seconds)) => {
            seconds.parse().map(Duration::from_secs).map(age).unwrap_or_default()
        }
        (_, Value::String(text)) => text.clone(),
        (_, Value::Null) => String::new(),
        (_, value) => value.to_string(),
    }
}
