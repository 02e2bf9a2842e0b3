//! `frontctl policy`: what the peers of a gateway may do, and how much, as it is in force.

use crate::failure::Outcome;
use crate::output::{self, Printer, Table};
use crate::plane::PlaneKind;
use crate::settings::Settings;
use clap::Args;
use frontier_api::gateway_json::{Condition, Policy};

#[derive(Args, Clone, Debug)]
pub(crate) struct PolicyCommand {}

impl PolicyCommand {
    pub(crate) async fn run(self, settings: &Settings, printer: &Printer) -> Outcome {
        let policy: Policy = settings.plane(PlaneKind::Gateway)?.get("/v1/policy", &[]).await?;
        if !printer.is_for_people() {
            return printer.one(&Table::default(), &policy);
        }
        output::write(&format!("where no rule says anything: {}\n", output::plain(&policy.default)))?;
        for table in [rules(&policy), quotas(&policy), limits(&policy)].into_iter().flatten() {
            output::write("\n")?;
            printer.one(&table, &policy)?;
        }
        Ok(())
    }
}

/// `None` where there is nothing.
fn rules(policy: &Policy) -> Option<Table> {
    let mut table = Table::new(&["RULE", "WHO", "ALLOW", "DENY"]);
    for rule in &policy.rules {
        table.row([rule.name.clone(), who(&rule.who), conditions(&rule.allow), conditions(&rule.deny)]);
    }
    (!policy.rules.is_empty()).then_some(table)
}

fn quotas(policy: &Policy) -> Option<Table> {
    let mut table = Table::new(&["QUOTA FOR EACH", "WHO", "COUNTS", "PER SECOND", "AT ONCE"]);
    for quota in &policy.quotas {
        for limit in &quota.limits {
            table.row([
                quota.scope.clone(),
                who(&quota.who),
                limit.counts.clone(),
                number(limit.per_second),
                limit.burst.to_string(),
            ]);
        }
    }
    (!policy.quotas.is_empty()).then_some(table)
}

fn limits(policy: &Policy) -> Option<Table> {
    let mut table = Table::new(&["LIMIT", "VALUE"]);
    policy.limits.iter().for_each(|(key, value)| table.row([key.clone(), value.clone()]));
    (!policy.limits.is_empty()).then_some(table)
}

fn who(all: &[Condition]) -> String {
    if all.is_empty() { "everybody".to_owned() } else { conditions(all) }
}

/// As rules are written: `edge: 1-99; labels.region: eu, us`.
fn conditions(all: &[Condition]) -> String {
    let one = |it: &Condition| format!("{}: {}", it.key, it.values.join(", "));
    all.iter().map(one).collect::<Vec<_>>().join("; ")
}

/// Three digits behind the point at most, and none that are zero.
fn number(value: f64) -> String {
    let text = format!("{value:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_and_rates_are_as_people_write_them() {
        let condition = |key: &str, values: &[&str]| Condition {
            key: key.into(),
            values: values.iter().map(ToString::to_string).collect(),
        };
        let who_is = [condition("edge", &["1-99"]), condition("labels.region", &["eu", "us"])];
        assert_eq!(who(&who_is), "edge: 1-99; labels.region: eu, us");
        assert_eq!(who(&[]), "everybody");
        for (value, text) in [(0.5, "0.5"), (30.0, "30"), (1.0 / 3.0, "0.333"), (0.0, "0")] {
            assert_eq!(number(value), text);
        }
    }
}
