//! What the user sees in the end.

use std::io::{Write, stdout};

use anyhow::{Context, Result};

use crate::comparison::Comparison;
use crate::outcome::Outcome;
use crate::table::Table;
use crate::work::Work;

/// Prints a comparison on stdout: as JSON, or as tables.
pub(crate) fn print(comparison: &Comparison, json: bool) -> Result<()> {
    let text = if json { serde_json::to_string_pretty(comparison)? + "\n" } else { text(comparison) };
    stdout().lock().write_all(text.as_bytes()).context("printing the result")
}

fn text(comparison: &Comparison) -> String {
    let Comparison { work, timing, .. } = comparison;
    let mut text = format!(
        "{work}; {} s counted after {} s\n",
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
    for Outcome { system, errors, first_error, .. } in &comparison.medians {
        if let Some(first) = first_error {
            text += &format!("\n{system}: {errors} operations failed, the first with: {first}\n");
        }
    }
    text
}

fn figures(comparison: &Comparison) -> Table {
    let rate = match comparison.work {
        Work::Calls(_) => "calls/s",
        Work::Bulk(_) => "GB/s",
    };
    let mut table = Table::new([
        "system",
        rate,
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

fn times(ratio: f64) -> String {
    // Below a half, one digit behind the point says too little.
    if ratio < 0.5 { format!("{ratio:.2}x") } else { format!("{ratio:.1}x") }
}

fn micros(value: f64) -> String {
    if value < 100.0 { format!("{value:.1}") } else { thousands(value) }
}

fn mebibytes(bytes: f64) -> String {
    format!("{:.1}", bytes / f64::from(1 << 20))
}

/// Rounded, with commas between the thousands.
fn thousands(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn or_dash(cell: Option<String>) -> String {
    cell.unwrap_or_else(|| "–".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_easy_to_read() {
        assert_eq!(thousands(0.4), "0");
        assert_eq!(thousands(999.6), "1,000");
        assert_eq!(thousands(1_234_567.0), "1,234,567");
        assert_eq!(micros(12.34), "12.3");
        assert_eq!(times(1.84), "1.8x");
        assert_eq!(times(0.349), "0.35x");
    }
}
