//! Numbers as tables show them.

/// A ratio.
pub(crate) fn times(ratio: f64) -> String {
    // Below a half, one digit behind the point says too little.
    if ratio < 0.5 { format!("{ratio:.2}x") } else { format!("{ratio:.1}x") }
}

/// Microseconds.
pub(crate) fn micros(value: f64) -> String {
    if value < 100.0 { format!("{value:.1}") } else { thousands(value) }
}

/// Bytes, in MiB.
pub(crate) fn mebibytes(bytes: f64) -> String {
    format!("{:.1}", bytes / f64::from(1 << 20))
}

/// Rounded, with commas between the thousands.
pub(crate) fn thousands(value: f64) -> String {
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

/// A figure that is there, or a dash in its place.
pub(crate) fn or_dash(figure: Option<String>) -> String {
    figure.unwrap_or_else(|| "–".into())
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
