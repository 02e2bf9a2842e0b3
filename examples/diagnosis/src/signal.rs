//! What there is in a row of samples.

use std::f64::consts::TAU;

/// Samples that a spectrum is made of, at most: it costs their square.
const MAX_SAMPLES: usize = 256;

pub(crate) fn mean(samples: &[f64]) -> f64 {
    if samples.is_empty() { 0.0 } else { samples.iter().sum::<f64>() / count(samples) }
}

pub(crate) fn rms(samples: &[f64]) -> f64 {
    mean(&samples.iter().map(|it| it * it).collect::<Vec<_>>()).sqrt()
}

/// How much of the samples is in rare peaks: 1.5 of a sine, 3 of noise, more with blows.
pub(crate) fn kurtosis(samples: &[f64]) -> f64 {
    let middle = mean(samples);
    let moment = |power: i32| mean(&samples.iter().map(|it| (it - middle).powi(power)).collect::<Vec<_>>());
    let variance = moment(2);
    if variance < 1e-12 { 0.0 } else { moment(4) / (variance * variance) }
}

/// The greatest of the samples, by size.
pub(crate) fn peak(samples: &[f64]) -> f64 {
    samples.iter().fold(0.0, |peak, it| it.abs().max(peak))
}

/// How long they took.
pub(crate) fn seconds(samples: &[f64], rate: f64) -> f64 {
    count(samples) / rate
}

/// The amplitude at a frequency (Goertzel's algorithm).
pub(crate) fn amplitude(samples: &[f64], rate: f64, frequency: f64) -> f64 {
    if samples.is_empty() {
        return 0.0;
    }
    let angle = TAU * frequency / rate;
    let factor = 2.0 * angle.cos();
    let (mut before, mut last) = (0.0, 0.0);
    for sample in samples {
        (before, last) = (last, sample + factor * last - before);
    }
    let power = last * last + before * before - factor * last * before;
    2.0 * power.max(0.0).sqrt() / count(samples)
}

/// Frequencies and their amplitudes, up to half of the rate.
pub(crate) fn spectrum(samples: &[f64], rate: f64) -> Vec<(f64, f64)> {
    let samples = &samples[..samples.len().min(MAX_SAMPLES)];
    let middle = mean(samples);
    let even: Vec<f64> = samples.iter().map(|it| it - middle).collect();
    let step = rate / count(samples).max(1.0);
    let bins = u16::try_from(samples.len() / 2).unwrap_or(0);
    (1..=bins).map(|bin| step * f64::from(bin)).map(|hz| (hz, amplitude(&even, rate, hz))).collect()
}

#[expect(clippy::cast_precision_loss, reason = "a reading has no 2^53 samples")]
fn count(samples: &[f64]) -> f64 {
    samples.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sine_stands_at_its_frequency() {
        let samples: Vec<f64> =
            (0..200).map(|it| 1.0 + 3.0 * (TAU * 50.0 * f64::from(it) / 1000.0).sin()).collect();
        let spectrum = spectrum(&samples, 1000.0);
        let strongest = spectrum.iter().max_by(|one, other| one.1.total_cmp(&other.1)).unwrap();
        assert!((strongest.0 - 50.0).abs() < 0.1 && (strongest.1 - 3.0).abs() < 0.01, "{strongest:?}");
        assert!((kurtosis(&samples) - 1.5).abs() < 0.01 && (mean(&samples) - 1.0).abs() < 0.01);
    }

    #[test]
    fn of_nothing_there_is_nothing() {
        assert_eq!(
            (mean(&[]), rms(&[]), kurtosis(&[]), peak(&[]), amplitude(&[], 1.0, 1.0)),
            (0.0, 0.0, 0.0, 0.0, 0.0)
        );
        assert!(spectrum(&[], 1000.0).is_empty() && spectrum(&[1.0], 1000.0).is_empty());
    }
}
