//! The faults, and how each is found: plain measures of the samples, in place of the models that a real worker has.

use crate::reading::Signals;
use crate::score::rounded;
use crate::signal::{amplitude, kurtosis, mean, peak, rms, seconds, spectrum};
use clap::ValueEnum;
use serde_json::{Value, json};

/// The frequency of the supply, in Hz.
const SUPPLY: f64 = 50.0;

/// Points of a chart, at most.
const MAX_POINTS: usize = 128;

/// What may be wrong with a motor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
#[value(rename_all = "snake_case")]
#[expect(clippy::enum_variant_names, reason = "these are the names that stand in the streams")]
pub(crate) enum Fault {
    TurnFault,
    Insulation,
    Bearing,
    Eccentricity,
    BrokenBar,
}

/// What was found.
#[derive(Debug)]
pub(crate) struct Diagnosis {
    /// From 0 to 1.
    pub(crate) score: f64,
    pub(crate) features: Value,
    /// `timeSeries` and `spectrum`, where they say something; else an empty object.
    pub(crate) charts: Value,
}

impl Fault {
    pub(crate) const ALL: [Self; 5] =
        [Self::TurnFault, Self::Insulation, Self::Bearing, Self::Eccentricity, Self::BrokenBar];

    /// Its name: the method of workers, and what stands in the streams.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::TurnFault => "turn_fault",
            Self::Insulation => "insulation",
            Self::Bearing => "bearing",
            Self::Eccentricity => "eccentricity",
            Self::BrokenBar => "broken_bar",
        }
    }

    /// How much it counts for the health of a vehicle.
    pub(crate) fn weight(self) -> f64 {
        match self {
            Self::TurnFault | Self::Bearing => 0.25,
            Self::Insulation => 0.20,
            Self::Eccentricity | Self::BrokenBar => 0.15,
        }
    }

    pub(crate) fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|fault| fault.name() == name)
    }

    pub(crate) fn diagnose(self, signals: &Signals) -> Diagnosis {
        match self {
            Self::TurnFault => turn_fault(signals),
            Self::Insulation => insulation(signals),
            Self::Bearing => bearing(signals),
            Self::Eccentricity => eccentricity(signals),
            Self::BrokenBar => broken_bar(signals),
        }
    }
}

/// A winding with fewer turns takes more current than the other phases.
fn turn_fault(signals: &Signals) -> Diagnosis {
    let each: Vec<f64> = signals.currents.iter().map(|phase| rms(phase)).collect();
    let usual = mean(&each);
    let unbalance = ratio(each.iter().fold(0.0, |most, it| (it - usual).abs().max(most)), usual);
    let third = ratio(amplitude(&signals.currents[0], signals.rate, 3.0 * SUPPLY), usual);
    let features = [("current_unbalance", unbalance), ("third_harmonic", third), ("mean_current", usual)];
    diagnosis(unbalance / 0.3, features, Some(&signals.currents[0]), "Ia", signals)
}

fn insulation(signals: &Signals) -> Diagnosis {
    // Nothing measured says nothing.
    let resistance =
        if signals.insulation_resistance.is_empty() { 100.0 } else { mean(&signals.insulation_resistance) };
    let (leakage, temperature) = (mean(&signals.leakage_current), mean(&signals.temperature));
    let score = (1.0 - resistance / 100.0).max(leakage / 10.0);
    let features =
        [("insulation_resistance", resistance), ("leakage_current", leakage), ("temperature", temperature)];
    diagnosis(score, features, None, "", signals)
}

/// A worn bearing strikes: the vibration has rare peaks.
fn bearing(signals: &Signals) -> Diagnosis {
    let (level, blows) = (rms(&signals.vibration), kurtosis(&signals.vibration));
    let crest = ratio(peak(&signals.vibration), level);
    let features = [("vibration_rms", level), ("kurtosis", blows), ("crest_factor", crest)];
    diagnosis((blows - 3.0) / 6.0, features, Some(&signals.vibration), "vibration_x", signals)
}

/// A rotor off its centre has the current swell once a turn.
fn eccentricity(signals: &Signals) -> Diagnosis {
    let turn = if signals.rpm.is_empty() { SUPPLY / 2.0 } else { mean(&signals.rpm) / 60.0 };
    let (swell, current) = swell(signals, turn);
    let features = [("rotation_hz", turn), ("modulation", swell), ("mean_current", current)];
    diagnosis(swell / 0.3, features, None, "", signals)
}

/// A broken bar has it swell with twice the slip.
fn broken_bar(signals: &Signals) -> Diagnosis {
    let turn = if signals.rpm.is_empty() { 0.97 * SUPPLY / 2.0 } else { mean(&signals.rpm) / 60.0 };
    let slip = (1.0 - 2.0 * turn / SUPPLY).clamp(0.0, 1.0);
    let (swell, current) = swell(signals, 2.0 * slip * SUPPLY);
    let features = [("slip", slip), ("modulation", swell), ("mean_current", current)];
    diagnosis(swell / 0.3, features, Some(&signals.currents[0]), "Ia", signals)
}

/// How much the current swells at a frequency, as a share of it, and the current. Of less than half a beat nothing can be said.
fn swell(signals: &Signals, frequency: f64) -> (f64, f64) {
    // Of three phases that are alike this is the same at each moment.
    let [a, b, c] = &signals.currents;
    let size = a.iter().zip(b).zip(c).map(|((a, b), c)| ((a * a + b * b + c * c) / 1.5).sqrt());
    let size: Vec<f64> = size.collect();
    let current = mean(&size);
    if seconds(&size, signals.rate) * frequency < 0.5 {
        return (0.0, current);
    }
    let even: Vec<f64> = size.iter().map(|it| it - current).collect();
    (ratio(amplitude(&even, signals.rate, frequency), current), current)
}

fn ratio(of: f64, to: f64) -> f64 {
    if to.abs() < 1e-9 { 0.0 } else { of / to }
}

fn diagnosis(
    score: f64,
    features: [(&str, f64); 3],
    charted: Option<&Vec<f64>>,
    label: &str,
    signals: &Signals,
) -> Diagnosis {
    let score = rounded(if score.is_finite() { score.clamp(0.0, 1.0) } else { 0.0 });
    let mut all: Value = features.iter().map(|(name, value)| (*name, json!(rounded(*value)))).collect();
    all["fault_severity"] = json!(score);
    let charts = charted.filter(|samples| !samples.is_empty()).map_or_else(
        || json!({}),
        |samples| {
            json!({"timeSeries": time_series(samples, label, signals.rate), "spectrum": spectrum_chart(samples, label, signals.rate)})
        },
    );
    Diagnosis { score, features: all, charts }
}

fn time_series(samples: &[f64], label: &str, rate: f64) -> Value {
    let shown = &samples[..samples.len().min(MAX_POINTS)];
    let times = (0_u32..).zip(shown).map(|(index, _)| rounded(f64::from(index) / rate));
    chart(times.collect(), shown.iter().map(|it| rounded(*it)).collect(), label)
}

fn spectrum_chart(samples: &[f64], label: &str, rate: f64) -> Value {
    let (labels, values) =
        spectrum(samples, rate).into_iter().map(|(hz, it)| (rounded(hz), rounded(it))).unzip();
    chart(labels, values, label)
}

fn chart(labels: Vec<f64>, data: Vec<f64>, label: &str) -> Value {
    json!({"labels": labels, "datasets": [{"label": label, "data": data}]})
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::produce::sensor_data;

    fn signals(wrong: Option<Fault>) -> Signals {
        let fields = json!({"message_id": "1-0", "vehicle_id": "v", "sensor_data": sensor_data(wrong, 200)});
        crate::reading::Reading::parse(fields.to_string().as_bytes()).unwrap().signals
    }

    #[test]
    fn each_fault_is_found_where_it_is_and_not_in_a_sound_motor() {
        for fault in Fault::ALL {
            let (sound, broken) = (fault.diagnose(&signals(None)), fault.diagnose(&signals(Some(fault))));
            assert!(sound.score < 0.3, "{fault:?} of a sound motor: {sound:?}");
            assert!(broken.score > 0.5, "{fault:?}: {broken:?}");
            assert_eq!(broken.features.as_object().unwrap().len(), 4);
        }
    }

    #[test]
    fn charts_are_where_they_say_something() {
        for (fault, is_charted) in [
            (Fault::TurnFault, true),
            (Fault::Insulation, false),
            (Fault::Bearing, true),
            (Fault::Eccentricity, false),
            (Fault::BrokenBar, true),
        ] {
            let charts = fault.diagnose(&signals(None)).charts;
            assert_eq!(
                charts["spectrum"]["labels"].as_array().is_some_and(|it| it.len() == 100),
                is_charted,
                "{fault:?}"
            );
        }
    }

    #[test]
    fn nothing_measured_is_no_fault_and_no_number_is_none() {
        let nothing = Signals { rate: 1000.0, ..Signals::default() };
        let huge = Signals {
            rate: 1e-300,
            currents: [vec![1e308, -1e308], vec![0.0], vec![]],
            vibration: vec![1e300; 3],
            ..Signals::default()
        };
        for fault in Fault::ALL {
            assert!(fault.diagnose(&nothing).score.abs() < 1e-9, "{fault:?}");
            let score = fault.diagnose(&huge).score;
            assert!((0.0..=1.0).contains(&score), "{fault:?}: {score}");
        }
    }
}
