//! Objects of JSON that nothing else stands for.

mod members;

use members::Members;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use std::fmt;
use std::marker::PhantomData;

/// A struct that is read from an object alone: as serde has it, the values of its fields in a list would do as well.
///
/// Members that the struct does not have are passed over, since clients of other versions send them; but not one that
/// differs from its own only in the case of letters, which is a mistake, and is refused.
#[derive(Clone, Copy, Debug)]
pub struct Object<T>(pub T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Fields(PhantomData)).map(Self)
    }
}

struct Fields<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for Fields<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<M: MapAccess<'de>>(self, map: M) -> Result<T, M::Error> {
        T::deserialize(Members(map))
    }
}

/// Reads a list of them.
pub(crate) fn each<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<T>, D::Error> {
    let objects = Vec::<Object<T>>::deserialize(deserializer)?;
    Ok(objects.into_iter().map(|Object(it)| it).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::borrow::Cow;

    #[derive(Debug, PartialEq, serde::Deserialize)]
    struct Pair<'a> {
        a: u8,
        #[serde(borrow, default)]
        b: Cow<'a, str>,
    }

    #[derive(Debug, PartialEq, serde::Deserialize)]
    struct Pairs<'a> {
        #[serde(borrow, deserialize_with = "each")]
        pairs: Vec<Pair<'a>>,
    }

    #[test]
    fn only_an_object_is_read_as_one() {
        let Object(pair) = serde_json::from_str::<Object<Pair<'_>>>(r#"{"a": 1, "b": "x"}"#).unwrap();
        assert!(matches!(pair, Pair { a: 1, b: Cow::Borrowed("x") }), "{pair:?}");
        for wrong in ["[1, \"x\"]", "[]", "1", "null", "\"a\"", "{}", r#"{"a": 256}"#] {
            serde_json::from_str::<Object<Pair<'_>>>(wrong).unwrap_err();
        }
        let error = serde_json::from_str::<Object<Pair<'_>>>("[1]").unwrap_err().to_string();
        assert!(error.contains("expected an object"), "{error}");
    }

    #[derive(Debug, PartialEq, serde::Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Named {
        user_data: Option<String>,
        #[serde(default)]
        properties: std::collections::BTreeMap<String, u8>,
    }

    #[test]
    fn a_member_in_another_case_is_refused_and_an_unknown_one_is_passed_over() {
        let read = |text: &str| serde_json::from_str::<Object<Named>>(text).map(|Object(it)| it);
        let passed = read(r#"{"userDatum": 1, "USER": [{}], "userData": "a", "user\u0044ata2": 2}"#).unwrap();
        assert_eq!(passed.user_data.as_deref(), Some("a"));
        for (text, written) in [
            (r#"{"userdata": "a"}"#, "userdata"),
            (r#"{"userData": "a", "UserData": "b"}"#, "UserData"),
            (r#"{"user\u0064ata": "a"}"#, "userdata"),
        ] {
            let error = read(text).unwrap_err().to_string();
            let start =
                format!("there is no member `{written}`; `userData` is meant, in this case of letters");
            assert!(error.starts_with(&start), "{error}");
        }
        // What a map has are no members of ours.
        let map = read(r#"{"properties": {"userdata": 1, "UserData": 2}}"#).unwrap().properties;
        assert_eq!(map.len(), 2);
    }

    #[test]
    fn a_list_of_objects_has_nothing_else() {
        let read = |text: &'static str| {
            serde_json::from_str::<Object<Pairs<'_>>>(text).map(|Object(it)| it.pairs.len())
        };
        assert_eq!(read(r#"{"pairs": [{"a": 1}, {"a": 2, "b": "x"}]}"#).unwrap(), 2);
        for wrong in [r#"{"pairs": [[1, "x"]]}"#, r#"{"pairs": [{"a": 1}, null]}"#, r#"{"pairs": {"a": 1}}"#]
        {
            read(wrong).unwrap_err();
        }
    }
}
