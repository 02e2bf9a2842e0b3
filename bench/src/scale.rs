//! What more cores give: the same load on 1, 2, 4 and so on.

use anyhow::Result;

use crate::comparison::Comparison;
use crate::number::{micros, or_dash, thousands, times};
use crate::report;
use crate::table::Table;

/// Writes down comparisons of the same work on different numbers of cores: as JSON, a list, or as one table.
pub(crate) fn render(comparisons: &[Comparison], json: bool) -> Result<String> {
    if json {
        return Ok(serde_json::to_string_pretty(comparisons)? + "\n");
    }
    let Some(first) = comparisons.first() else { return Ok(String::new()) };
    let failures: String = comparisons.iter().map(report::failures).collect();
    Ok(format!("{}\n{}{failures}", heading(first), table(comparisons)))
}

fn heading(comparison: &Comparison) -> String {
    let Comparison { work, timing, .. } = comparison;
    let (counted, rounds) = (timing.counted.as_secs_f64(), comparison.round_count());
    format!("{work}; on some cores all processes together; {counted} s counted, medians of {rounds} rounds\n")
}

/// By system, and then by the number of cores.
fn table(comparisons: &[Comparison]) -> Table {
    let unit = comparisons.first().map_or("", |first| first.work.unit());
    let mut table = Table::new([
        "system",
        "cores",
        unit,
        "of the first",
        "p50 µs",
        "p99 µs",
        "gateway CPU µs",
        "service",
        "clients",
    ]);
    let systems = comparisons.first().map_or(0, |first| first.medians.len());
    for system in 0..systems {
        let outcomes =
            comparisons.iter().filter_map(|it| Some((it.processes.cores, it.medians.get(system)?)));
        let mut first = None;
        for (cores, outcome) in outcomes {
            let rate = outcome.operations_per_second;
            let first = *first.get_or_insert(rate);
            let cpu = outcome.cpu_us_per_operation.as_ref();
            table.row([
                outcome.system.to_string(),
                or_dash(cores.map(|cores| cores.to_string())),
                thousands(rate),
                times(rate / first),
                micros(outcome.latency_us.p50),
                micros(outcome.latency_us.p99),
                or_dash(cpu.map(|cpu| format!("{:.2}", cpu.gateway))),
                or_dash(cpu.map(|cpu| format!("{:.2}", cpu.services))),
                or_dash(cpu.map(|cpu| format!("{:.2}", cpu.clients))),
            ]);
        }
    }
    table
}
