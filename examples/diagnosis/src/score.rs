//! What a score means.

/// `normal`, `warning` or `fault`.
pub(crate) fn status(score: f64) -> &'static str {
    match score {
        score if score < 0.3 => "normal",
        score if score < 0.7 => "warning",
        _ => "fault",
    }
}

/// The health that pages show for the score of one fault, from 0 to 100.
pub(crate) fn health(score: f64) -> f64 {
    let health = match score {
        score if score <= 0.2 => 95.0 - 25.0 * score,
        score if score <= 0.5 => 90.0 - 100.0 * (score - 0.2),
        score => 60.0 - 120.0 * (score - 0.5),
    };
    health.clamp(0.0, 100.0)
}

/// With four decimals: more means nothing here.
pub(crate) fn rounded(number: f64) -> f64 {
    (number * 10_000.0).round() / 10_000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn health_falls_with_the_score() {
        for (score, expected) in
            [(0.0, 95.0), (0.2, 90.0), (0.3, 80.0), (0.5, 60.0), (0.75, 30.0), (1.0, 0.0)]
        {
            assert!((health(score) - expected).abs() < 1e-9, "{score}: {}", health(score));
        }
        assert_eq!([0.0, 0.3, 0.7].map(status), ["normal", "warning", "fault"]);
    }
}
