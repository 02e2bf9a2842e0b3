//! What the user sees in the end.

use anyhow::Result;

use crate::comparison::Comparison;
use crate::number::{mebibytes, micros, or_dash, thousands, times};
use crate::outcome::Outcome;
use crate::table::Table;
use crate::work::Work;

/// Writes comparisons down: as JSON, a list if there are several, or as tables.
pub(crate) fn render(comparisons: &[Comparison], json: bool) -> Result<String> {
    if !json {
        return Ok(comparisons.iter().map(text).collect::<Vec<_>>().join("\n"));
    }
    let text = match comparisons {
        [comparison] => serde_json::to_string_pretty(comparison)?,
        several => serde_json::to_string_pretty(several)?,
    };
    Ok(text + "\n")
}

fn text(comparison: &Comparison) -> String {
    let Comparison { work, timing, .. } = comparison;
    let mut text = format!(
        "{work}; {}; {} s counted after {} s\n",
        comparison.processes,
        timing.counted.as_secs_f64(),
        timing.warmup.as_secs_f64()
    );
    if comparison.round_count() > 1 {
        text += &format!("{} rounds in turn; all figures are medians\n", comparison.round_count());
    }
    text += &format!("\n{}", figures(comparison));
    if let (Some(first), false) = (comparison.medians.first(), comparison.ratios.is_empty()) {
        text += &format!("\n{}'s figures divided by those of\n{}", first.system, ratios(comparison));
    }
    for Outcome { system, large_messages_per_second, .. } in &comparison.medians {
        if let Some(rate) = large_messages_per_second {
            text += &format!(
                "\n{system}: beside them, a stalled stream and {rate:.1} messages of 4 MiB per second\n"
            );
        }
    }
    text + &failures(comparison)
}

/// What operations failed with, if any did.
pub(crate) fn failures(comparison: &Comparison) -> String {
    let mut text = String::new();
    for Outcome { system, errors, first_error, .. } in &comparison.medians {
        if let Some(first) = first_error {
            text += &format!("\n{system}: {errors} operations failed, the first with: {first}\n");
        }
    }
    text
}

fn figures(comparison: &Comparison) -> Table {
    let mut table = Table::new([
        "system",
        comparison.work.unit(),
        "p50 µs",
        "p99 µs",
        "p99.9 µs",
        "gateway CPU µs",
        "service",
        "clients",
        "gateway MiB",
        "peak",
    ]);
    for outcome in &comparison.medians {
        let cpu = outcome.cpu_us_per_operation.as_ref();
        let memory = outcome.gateway_memory.as_ref();
        table.row([
            outcome.system.to_string(),
            match comparison.work {
                Work::Calls(_) => thousands(outcome.operations_per_second),
                Work::Bulk(_) => format!("{:.2}", outcome.bytes_per_second / 1e9),
            },
            micros(outcome.latency_us.p50),
            micros(outcome.latency_us.p99),
            micros(outcome.latency_us.p999),
            or_dash(cpu.map(|cpu| format!("{:.2}", cpu.gateway))),
            or_dash(cpu.map(|cpu| format!("{:.2}", cpu.services))),
            or_dash(cpu.map(|cpu| format!("{:.2}", cpu.clients))),
            or_dash(memory.map(|memory| mebibytes(memory.resident))),
            or_dash(memory.map(|memory| mebibytes(memory.peak))),
        ]);
    }
    table
}

fn ratios(comparison: &Comparison) -> Table {
    let mut table = Table::new(["", "rate", "p50", "p99", "gateway CPU", "gateway memory"]);
    for ratio in &comparison.ratios {
        table.row([
            ratio.to.to_string(),
            times(ratio.operations_per_second),
            times(ratio.p50),
            times(ratio.p99),
            or_dash(ratio.gateway_cpu.map(times)),
            or_dash(ratio.gateway_memory.map(times)),
        ]);
    }
    table
}
