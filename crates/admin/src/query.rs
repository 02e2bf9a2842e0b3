//! The query string, read strictly: an unknown parameter is refused, because a filter that is ignored gives the
//! answer to another question.

use crate::error::ApiError;
use http::Uri;
use std::str::FromStr;

/// The most parameters of one query: a thousand ids, and some more.
const MAX_PARAMETERS: usize = 1024;

/// The parameters that have not been read yet. Names are read in snake case and in camel case, as protobuf's JSON
/// has both.
///
/// # Errors
/// Every read fails with [`ApiError::Invalid`], which names the parameter as it was written.
#[derive(Debug)]
pub struct Query {
    parameters: Vec<Parameter>,
}

#[derive(Debug)]
struct Parameter {
    /// In snake case.
    name: String,
    written: String,
    value: String,
}

impl Query {
    /// Of a request.
    ///
    /// # Errors
    /// If there are more than 1024 parameters.
    pub fn parse(uri: &Uri) -> Result<Self, ApiError> {
        let text = uri.query().unwrap_or_default();
        let parameters = form_urlencoded::parse(text.as_bytes())
            .take(MAX_PARAMETERS + 1)
            .map(|(key, value)| Parameter {
                name: snake_case(&key),
                written: key.into_owned(),
                value: value.into_owned(),
            })
            .collect::<Vec<_>>();
        if parameters.len() > MAX_PARAMETERS {
            return Err(ApiError::invalid(format!("more than {MAX_PARAMETERS} parameters")));
        }
        Ok(Self { parameters })
    }

    fn take(&mut self, name: &str) -> impl Iterator<Item = Parameter> {
        self.parameters.extract_if(.., move |parameter| parameter.name == name)
    }

    /// All values of a parameter, in order.
    pub fn all(&mut self, name: &str) -> Vec<String> {
        self.take(name).map(|parameter| parameter.value).collect()
    }

    /// The value of a parameter that may be there once.
    ///
    /// # Errors
    /// If it is repeated.
    pub fn text(&mut self, name: &str) -> Result<Option<String>, ApiError> {
        Ok(self.once(name)?.map(|parameter| parameter.value))
    }

    fn once(&mut self, name: &str) -> Result<Option<Parameter>, ApiError> {
        let mut found: Vec<Parameter> = self.take(name).collect();
        let last = found.pop();
        match found.first() {
            None => Ok(last),
            Some(first) => Err(ApiError::invalid(format!("{} is there more than once", first.written))),
        }
    }

    /// The number in a parameter that may be there once.
    ///
    /// # Errors
    /// If it is repeated, or no whole number in the range of the type.
    pub fn number<N: FromStr>(&mut self, name: &str) -> Result<Option<N>, ApiError> {
        self.once(name)?.map(|parameter| number(&parameter.written, &parameter.value)).transpose()
    }

    /// The same with a sign, for fields that protobuf has as signed.
    ///
    /// # Errors
    /// If it is repeated, or no whole number in the range of the type.
    pub fn signed<N: FromStr>(&mut self, name: &str) -> Result<Option<N>, ApiError> {
        let parameter = self.once(name)?;
        parameter
            .map(|Parameter { written, value, .. }| match value.strip_prefix('-') {
                Some(digits) if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) => {
                    value.parse().map_err(|_| not_a_number(&written, &value))
                }
                _ => number(&written, &value),
            })
            .transpose()
    }

    /// Whether a parameter says `true`, that may be there once; it says `false` if it is not.
    ///
    /// # Errors
    /// If it is repeated, or says something else.
    pub fn flag(&mut self, name: &str) -> Result<bool, ApiError> {
        let Some(parameter) = self.once(name)? else { return Ok(false) };
        match &*parameter.value {
            "true" => Ok(true),
            "false" => Ok(false),
            _ => Err(ApiError::invalid(format!("{} must be true or false", parameter.written))),
        }
    }

    /// Ids, each in a parameter of its own or separated by commas.
    ///
    /// # Errors
    /// If one is no number.
    pub fn ids(&mut self, name: &str) -> Result<Vec<u64>, ApiError> {
        let mut ids = Vec::new();
        for Parameter { written, value, .. } in self.take(name) {
            for id in value.split(',') {
                ids.push(number(&written, id)?);
            }
        }
        Ok(ids)
    }

    /// Where a page starts: `cursor` is the token from the page before, or a plain number for old clients;
    /// `page_token` is another name for the token. Gives the number and the token.
    ///
    /// # Errors
    /// If both are there and differ, or a number does not fit.
    pub fn cursor(&mut self) -> Result<(Option<u32>, String), ApiError> {
        let (cursor, token) = (self.text("cursor")?, self.text("page_token")?);
        match cursor {
            None => Ok((None, token.unwrap_or_default())),
            Some(cursor) if token.is_none_or(|token| token == cursor) => {
                if cursor.is_empty() {
                    Ok((Some(0), cursor))
                } else if cursor.bytes().all(|byte| byte.is_ascii_digit()) {
                    Ok((Some(number("cursor", &cursor)?), String::new()))
                } else {
                    Ok((None, cursor))
                }
            }
            Some(_) => Err(ApiError::invalid("either cursor or page_token, not both")),
        }
    }

    /// These numbers, all of which must be there, and nothing else.
    ///
    /// # Errors
    /// If one is missing or no number, or if there is another parameter.
    pub fn numbers<const N: usize>(mut self, names: [&str; N]) -> Result<[u64; N], ApiError> {
        let mut values = [0; N];
        for (value, name) in values.iter_mut().zip(names) {
            *value = self.number(name)?.ok_or_else(|| ApiError::invalid(format!("{name} is missing")))?;
        }
        self.end()?;
        Ok(values)
    }

    /// Refuses whatever has not been read.
    ///
    /// # Errors
    /// If something is left.
    pub fn end(self) -> Result<(), ApiError> {
        match self.parameters.first() {
            None => Ok(()),
            Some(parameter) => {
                Err(ApiError::invalid(format!("unknown parameter {:?}", short(&parameter.written))))
            }
        }
    }
}

fn number<N: FromStr>(name: &str, text: &str) -> Result<N, ApiError> {
    // `from_str` takes a sign.
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| digits).ok_or_else(|| not_a_number(name, text))
}

fn not_a_number(name: &str, text: &str) -> ApiError {
    ApiError::invalid(format!("{name} must be a whole number, not {:?}", short(text)))
}

/// `edgeId` is `edge_id`: protobuf's JSON knows both.
fn snake_case(name: &str) -> String {
    let mut snake = String::with_capacity(name.len());
    for letter in name.chars() {
        if letter.is_ascii_uppercase() {
            snake.push('_');
        }
        snake.push(letter.to_ascii_lowercase());
    }
    snake
}

/// As much of a value as an error repeats.
fn short(text: &str) -> &str {
    text.char_indices().nth(64).map_or(text, |(end, _)| &text[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(text: &str) -> Query {
        Query::parse(&format!("/x?{text}").parse().unwrap()).unwrap()
    }

    #[test]
    fn ids_come_in_every_form() {
        let mut query = query("edge_ids=3&edgeIds=1,2&edge_ids=%33&frontier_ids=a%2Cb&frontierIds=a,b");
        assert_eq!(query.ids("edge_ids"), Ok(vec![3, 1, 2, 3]));
        assert_eq!(query.all("frontier_ids"), ["a,b", "a,b"]);
        assert_eq!(query.end(), Ok(()));
    }

    #[test]
    fn what_is_no_number_is_refused() {
        for text in ["", "+1", "-1", "1.0", "x", "18446744073709551616", "1%20", "%ff", "1%00"] {
            query(&format!("edge_id={text}")).numbers(["edge_id"]).expect_err(text);
        }
        for text in ["", "1,", ",1", "1,,2"] {
            query(&format!("edge_ids={text}")).ids("edge_ids").expect_err(text);
        }
        assert_eq!(query("edge_id=18446744073709551615").numbers(["edge_id"]), Ok([u64::MAX]));
    }

    #[test]
    fn a_signed_number_may_have_a_minus() {
        let signed = |text: &str| query(&format!("page={text}")).signed::<i32>("page");
        assert_eq!(signed("-7"), Ok(Some(-7)));
        assert_eq!(signed("-2147483648"), Ok(Some(i32::MIN)));
        assert_eq!(query("").signed::<i32>("page"), Ok(None));
        for wrong in ["-", "--1", "+1", "-+1", "-%201", "2147483648", "-2147483649", "x", ""] {
            signed(wrong).expect_err(wrong);
        }
    }

    #[test]
    fn a_flag_is_true_or_false() {
        let flag = |text: &str| query(text).flag("changes_only");
        assert_eq!(
            (flag("changesOnly=true"), flag("changes_only=false"), flag("")),
            (Ok(true), Ok(false), Ok(false))
        );
        for wrong in ["changes_only", "changes_only=1", "changes_only=true&changes_only=true"] {
            flag(wrong).expect_err(wrong);
        }
    }

    #[test]
    fn missing_repeated_and_unknown_parameters_are_named() {
        let error = |text: &str| query(text).numbers(["edge_id"]).unwrap_err().to_string();
        assert_eq!(error(""), "edge_id is missing");
        assert_eq!(error("edge_id=1&edge_id=1"), "edge_id is there more than once");
        assert_eq!(error("edge_id=1&edgeid=2"), "unknown parameter \"edgeid\"");
        // As they are written.
        assert_eq!(error("edgeId=1&edgeId=1"), "edgeId is there more than once");
        assert_eq!(error("edgeId=x"), "edgeId must be a whole number, not \"x\"");
        assert_eq!(error("edgeId=1&maxCount=2"), "unknown parameter \"maxCount\"");
        assert_eq!(
            query("changesOnly=1").flag("changes_only").unwrap_err().to_string(),
            "changesOnly must be true or false"
        );
        assert_eq!(
            query("edgeIds=1,").ids("edge_ids").unwrap_err().to_string(),
            "edgeIds must be a whole number, not \"\""
        );
        assert_eq!(
            error(&format!("edge_id=1&{}=2", "é".repeat(99))).chars().filter(|it| *it == 'é').count(),
            64
        );
    }

    #[test]
    fn a_cursor_is_a_token_or_a_number() {
        let cursor = |text: &str| query(text).cursor();
        assert_eq!(cursor("cursor=e1f"), Ok((None, "e1f".to_owned())));
        assert_eq!(cursor("page_token=e1f&cursor=e1f"), Ok((None, "e1f".to_owned())));
        assert_eq!(cursor("cursor=12"), Ok((Some(12), String::new())));
        assert_eq!(cursor("cursor="), Ok((Some(0), String::new())));
        cursor("cursor=4294967296").unwrap_err();
        cursor("cursor=e1&page_token=e2").unwrap_err();
    }

    proptest::proptest! {
        #[test]
        fn no_query_string_panics(bytes in proptest::collection::vec(0x21_u8..0x7f, 0..200)) {
            let text = String::from_utf8(bytes).unwrap();
            if let Ok(uri) = format!("/x?{text}").parse::<Uri>() {
                let mut query = Query::parse(&uri).unwrap();
                let _ = (query.cursor(), query.number::<u32>("count"), query.ids("e"), query.end());
            }
        }
    }
}
