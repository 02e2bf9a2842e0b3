//! A reading, as the gateway brings it: all fields of its entry as JSON, whose texts may be JSON again.

use serde::Deserialize;
use serde_json::value::RawValue;
use std::borrow::Cow;

/// Samples in a second, where a reading does not say.
const USUAL_RATE: f64 = 1000.0;

/// What came of one vehicle at one moment.
#[derive(Debug)]
pub(crate) struct Reading {
    /// The id of its entry.
    pub(crate) id: String,
    pub(crate) vehicle: String,
    pub(crate) location: Option<String>,
    pub(crate) signals: Signals,
    /// What pages are to show in place of what the worker makes of the samples, as JSON.
    pub(crate) shown: Option<String>,
}

/// The samples, by what was measured. What was measured less often, or not at all, is shorter.
#[derive(Debug, Default)]
pub(crate) struct Signals {
    /// Samples in a second.
    pub(crate) rate: f64,
    /// The currents of the phases.
    pub(crate) currents: [Vec<f64>; 3],
    pub(crate) vibration: Vec<f64>,
    pub(crate) insulation_resistance: Vec<f64>,
    pub(crate) leakage_current: Vec<f64>,
    pub(crate) temperature: Vec<f64>,
    pub(crate) rpm: Vec<f64>,
}

/// The fields of the entry. Others may be there, and `metadata` and `data_type` need not.
#[derive(Deserialize)]
struct Fields<'a> {
    #[serde(borrow)]
    message_id: Cow<'a, str>,
    #[serde(borrow)]
    vehicle_id: Cow<'a, str>,
    #[serde(borrow)]
    sensor_data: Cow<'a, str>,
    #[serde(borrow)]
    metadata: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct SensorData<'a> {
    data: Vec<Row>,
    sampling_rate: Option<f64>,
    #[serde(borrow)]
    time_series: Option<&'a RawValue>,
    #[serde(borrow)]
    frequency_spectrum: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Row {
    #[serde(rename = "Ia")]
    a: Option<f64>,
    #[serde(rename = "Ib")]
    b: Option<f64>,
    #[serde(rename = "Ic")]
    c: Option<f64>,
    vibration_x: Option<f64>,
    insulation_resistance: Option<f64>,
    leakage_current: Option<f64>,
    temperature: Option<f64>,
    rpm: Option<f64>,
}

#[derive(Deserialize)]
struct Metadata {
    location: Option<String>,
}

impl Reading {
    /// Reads what the gateway brings.
    ///
    /// # Errors
    /// It is none, in a way that is the same another time.
    pub(crate) fn parse(payload: &[u8]) -> Result<Self, String> {
        let fields: Fields<'_> =
            serde_json::from_slice(payload).map_err(|error| format!("no reading: {error}"))?;
        let sensor_data = without_nan(&fields.sensor_data);
        let data: SensorData<'_> =
            serde_json::from_str(&sensor_data).map_err(|error| format!("sensor_data: {error}"))?;
        if data.data.is_empty() {
            return Err("sensor_data: it has no rows".to_owned());
        }
        let metadata = fields.metadata.as_deref().map(without_nan);
        let metadata = metadata.and_then(|text| serde_json::from_str::<Metadata>(&text).ok());
        let given = [("time_series", data.time_series), ("frequency_spectrum", data.frequency_spectrum)];
        let given: Vec<String> =
            given.iter().filter_map(|(name, value)| Some(format!("\"{name}\":{}", (*value)?))).collect();
        Ok(Self {
            id: fields.message_id.into_owned(),
            vehicle: fields.vehicle_id.into_owned(),
            location: metadata.and_then(|metadata| metadata.location),
            shown: (!given.is_empty()).then(|| format!("{{{}}}", given.join(","))),
            signals: Signals::new(&data.data, data.sampling_rate),
        })
    }
}

impl Signals {
    fn new(rows: &[Row], rate: Option<f64>) -> Self {
        let column = |of: fn(&Row) -> Option<f64>| rows.iter().filter_map(of).collect();
        Self {
            rate: rate.filter(|rate| rate.is_finite() && *rate > 0.0).unwrap_or(USUAL_RATE),
            currents: [column(|row| row.a), column(|row| row.b), column(|row| row.c)],
            vibration: column(|row| row.vibration_x),
            insulation_resistance: column(|row| row.insulation_resistance),
            leakage_current: column(|row| row.leakage_current),
            temperature: column(|row| row.temperature),
            rpm: column(|row| row.rpm),
        }
    }
}

/// JSON as Python writes it, where numbers may be `NaN` and `Infinity`: these become `null`.
pub(crate) fn without_nan(text: &str) -> Cow<'_, str> {
    const WORDS: [&str; 3] = ["NaN", "-Infinity", "Infinity"];
    if !text.contains("NaN") && !text.contains("Infinity") {
        return Cow::Borrowed(text);
    }
    let (mut mended, mut rest) = (String::with_capacity(text.len()), text);
    while let Some(at) = rest.find(['"', 'N', 'I', '-']) {
        let (before, from) = rest.split_at(at);
        mended.push_str(before);
        let word = WORDS.iter().find(|word| from.starts_with(**word));
        let len = match word {
            Some(word) => word.len(),
            None if from.starts_with('"') => end_of_text(from),
            None => 1,
        };
        mended.push_str(if word.is_some() { "null" } else { &from[..len] });
        rest = &from[len..];
    }
    mended.push_str(rest);
    Cow::Owned(mended)
}

/// The length of the text at the beginning, with both quotes.
fn end_of_text(text: &str) -> usize {
    let mut is_escaped = false;
    for (at, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = true,
            b'"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn parsed(sensor_data: &str) -> Result<Reading, String> {
        let fields =
            json!({"message_id": "7-0", "vehicle_id": "车-1", "sensor_data": sensor_data, "more": "x"});
        Reading::parse(fields.to_string().as_bytes())
    }

    #[test]
    fn a_reading_may_have_nan_other_columns_and_other_alphabets() {
        let reading = parsed(
            r#"{"data": [{"时间": 0.0, "Ia": 1.5, "Ib": NaN, "Ic": -Infinity, "load": 3}, {"Ia": 2, "Ib": 1}],
                "batch_size": 2, "fault_type": "NaN \" NaN", "time_series": {"NaN": [NaN, -1]}}"#,
        )
        .unwrap();
        assert_eq!((&*reading.id, &*reading.vehicle, &reading.location), ("7-0", "车-1", &None));
        assert_eq!(reading.signals.currents, [vec![1.5, 2.0], vec![1.0], vec![]]);
        assert!((reading.signals.rate - USUAL_RATE).abs() < 1e-9);
        assert_eq!(reading.shown.unwrap(), r#"{"time_series":{"NaN": [null, -1]}}"#);
    }

    #[test]
    fn what_is_no_reading_says_why() {
        for (text, why) in
            [("{}", "missing field `data`"), (r#"{"data": []}"#, "it has no rows"), ("{", "sensor_data: EOF")]
        {
            assert!(parsed(text).unwrap_err().contains(why), "{text}");
        }
        assert!(Reading::parse(b"[]").unwrap_err().starts_with("no reading: "));
        for text in ["\"NaN", "\"\\", "NaN", "-", "I\"", "\"\\\"NaN\""] {
            let _ = without_nan(text);
        }
        assert_eq!(without_nan("[NaN,\"Infinity\",Infinity]"), "[null,\"Infinity\",null]");
    }
}
