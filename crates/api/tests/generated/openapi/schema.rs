//! The schemas of JSON: what the JSON types write for a message decides which fields there are, and protobuf what they
//! are and mean.

use super::comment::comment;
use super::sample;
use prost::Message;
use protox::prost_reflect::{FieldDescriptor, Kind, MessageDescriptor};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json, to_value};
use std::collections::BTreeMap;

/// Those of a document, by name.
#[derive(Debug, Default)]
pub(crate) struct Schemas(BTreeMap<String, Value>);

/// How JSON departs from its message.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Departs {
    /// The key, and the field that it has.
    pub(crate) renamed: &'static [(&'static str, &'static str)],
    /// Fields that it has not.
    pub(crate) left_out: &'static [&'static str],
}

/// How base64 looks that is read: both alphabets, and as much padding as one likes.
pub(crate) const BASE64: &str =
    "^([A-Za-z0-9+/_-]{4})*([A-Za-z0-9+/_-][AQgw]={0,2}|[A-Za-z0-9+/_-]{2}[AEIMQUYcgkosw048]=?)?$";

impl Schemas {
    /// What is written for a message.
    pub(crate) fn answer<M, J>(&mut self, message: &MessageDescriptor, write: impl Fn(M) -> J)
    where
        M: Message + Default,
        J: Serialize,
    {
        self.answer_but(message, Departs::default(), write);
    }

    /// The same, where it is not field for field.
    pub(crate) fn answer_but<M, J>(
        &mut self,
        message: &MessageDescriptor,
        departs: Departs,
        write: impl Fn(M) -> J,
    ) where
        M: Message + Default,
        J: Serialize,
    {
        let write = |message: M| to_value(write(message)).expect("all of them are JSON");
        let full = write(sample::full(message).transcode_to().expect("it is that message"));
        let hollow = write(sample::hollow(message).transcode_to().expect("it is that message"));
        let schema = object(message, departs, &write(M::default()), &full);
        self.0.insert(message.name().to_owned(), schema);
        for field in message.fields().filter(|field| !field.is_map()) {
            let Kind::Message(inner) = field.kind() else { continue };
            if !self.0.contains_key(inner.name()) {
                let of = |value: &Value| match &value[field.name()] {
                    Value::Array(items) => items.last().cloned().unwrap_or_default(),
                    value => value.clone(),
                };
                let schema = object(&inner, Departs::default(), &of(&hollow), &of(&full));
                self.0.insert(inner.name().to_owned(), schema);
            }
        }
    }

    /// What is read for a message, as the body of a request.
    pub(crate) fn body<J: DeserializeOwned>(
        &mut self,
        message: &MessageDescriptor,
        left_out: &'static [&'static str],
        bounds: impl Fn(&FieldDescriptor, &mut Value),
    ) {
        let mut full = to_sample(&sample::full(message));
        left_out.iter().for_each(|name| drop(full.remove(*name)));
        let is_read = |body: &Map<String, Value>| serde_json::from_value::<J>(body.clone().into()).is_ok();
        assert!(is_read(&full), "{}: {full:?} is not read", message.name());
        let without = |name: &String| {
            let mut body = full.clone();
            body.remove(name);
            body
        };
        let bare = full.iter().filter(|(name, _)| !is_read(&without(name)));
        let bare: Map<_, _> = bare.map(|(name, value)| (name.clone(), value.clone())).collect();
        let departs = Departs { left_out, renamed: &[] };
        let mut schema = object(message, departs, &bare.into(), &full.clone().into());
        for field in message.fields().filter(|field| full.contains_key(field.name())) {
            bounds(&field, &mut schema["properties"][field.name()]);
        }
        full.insert("unheard_of".to_owned(), 1.into());
        if !is_read(&full) {
            schema["additionalProperties"] = false.into();
        }
        self.0.insert(message.name().to_owned(), schema);
    }

    /// A change: one of these, each with its name in `type`.
    pub(crate) fn tagged(&mut self, message: &MessageDescriptor, changes: impl IntoIterator<Item = Value>) {
        let mut left: Vec<_> = message.fields().collect();
        let mut schemas = Vec::new();
        for change in changes {
            let kind = change["type"].as_str().expect("it says what it is").to_owned();
            let at = left.iter().position(|field| field.name() == kind).expect("protobuf has it as well");
            let field = left.remove(at);
            let Kind::Message(inner) = field.kind() else { panic!("a change is a message") };
            let mut properties = Map::new();
            properties.insert("type".to_owned(), json!({"const": kind}));
            for (key, value) in change.as_object().expect("it is an object") {
                let property = match inner.get_field_by_name(key) {
                    _ if key == "type" => continue,
                    Some(field) if matches!(field.kind(), Kind::Message(_)) == value.is_object() => {
                        property(&field, value)
                    }
                    // The message itself, under its name.
                    _ => reference(&inner),
                };
                properties.insert(key.clone(), property);
            }
            let required: Vec<_> =
                properties.keys().filter(|key| *key != "former_frontier_id").cloned().collect();
            let description = describe(&field);
            schemas.push(json!({
                "type": "object", "description": description, "properties": properties, "required": required,
            }));
        }
        assert!(left.is_empty(), "{left:?} are not looked at");
        let description = comment(&message.parent_file(), message.path(), message.name());
        self.0.insert(message.name().to_owned(), json!({"description": description, "oneOf": schemas}));
    }

    /// One that protobuf does not have.
    pub(crate) fn add(&mut self, name: &str, schema: Value) {
        self.0.insert(name.to_owned(), schema);
    }

    pub(crate) fn into_map(self) -> BTreeMap<String, Value> {
        self.0
    }
}

/// As JSON has it, for requests: numbers are numbers, and bytes base64.
fn to_sample(message: &protox::prost_reflect::DynamicMessage) -> Map<String, Value> {
    let fields = message.fields().map(|(field, value)| {
        let value = match field.kind() {
            Kind::String => json!(value.as_str()),
            Kind::Bytes => json!("/w=="),
            Kind::Uint32 => json!(value.as_u32()),
            Kind::Uint64 => json!(value.as_u64()),
            other => panic!("no body has {other:?} yet"),
        };
        (field.name().to_owned(), value)
    });
    fields.collect()
}

fn object(message: &MessageDescriptor, departs: Departs, bare: &Value, full: &Value) -> Value {
    let name = message.name();
    let (Value::Object(bare), Value::Object(full)) = (bare, full) else {
        panic!("{name} is no object: {bare} {full}")
    };
    let mut left: Vec<_> = message.fields().map(|field| field.name().to_owned()).collect();
    left.retain(|field| !departs.left_out.contains(&field.as_str()));
    let mut properties = Map::new();
    for (key, value) in full {
        let renamed = departs.renamed.iter().find(|(known, _)| known == key);
        let field = renamed.map_or(key.as_str(), |(_, field)| field);
        left.retain(|it| it != field);
        let field = message.get_field_by_name(field);
        let field = field.unwrap_or_else(|| panic!("{name} has no field for {key}"));
        properties.insert(key.clone(), property(&field, value));
    }
    assert!(left.is_empty(), "JSON has nothing for {left:?} of {name}");
    assert!(bare.keys().all(|key| full.contains_key(key)), "{name}: {bare:?} {full:?}");
    let description = comment(&message.parent_file(), message.path(), name);
    let mut schema = json!({"type": "object", "description": description});
    if !properties.is_empty() {
        schema["properties"] = properties.into();
    }
    if !bare.is_empty() {
        schema["required"] = bare.keys().cloned().collect();
    }
    schema
}

fn property(field: &FieldDescriptor, written: &Value) -> Value {
    let mut schema = match written {
        Value::Object(_) if field.is_map() => {
            json!({"type": "object", "additionalProperties": {"type": "string"}})
        }
        Value::Array(items) => {
            let item = one(field, items.last().expect("there is one"));
            let item = if items.contains(&Value::Null) {
                json!({"anyOf": [item, {"type": "null", "description": "Who was asked for by this id is not there."}]})
            } else {
                item
            };
            json!({"type": "array", "items": item})
        }
        value => one(field, value),
    };
    schema["description"] = describe(field).into();
    schema
}

fn describe(field: &FieldDescriptor) -> String {
    let message = field.parent_message();
    comment(&message.parent_file(), field.path(), field.full_name())
}

fn reference(message: &MessageDescriptor) -> Value {
    json!({"$ref": format!("#/components/schemas/{}", message.name())})
}

fn one(field: &FieldDescriptor, written: &Value) -> Value {
    match (field.kind(), written) {
        (Kind::Message(message), Value::Object(_)) => reference(&message),
        (Kind::Uint64, Value::String(_)) => {
            json!({"type": "string", "format": "uint64", "pattern": "^(0|[1-9][0-9]{0,19})$"})
        }
        (Kind::Int64, Value::String(_)) => {
            json!({"type": "string", "format": "int64", "pattern": "^(0|-?[1-9][0-9]{0,18})$"})
        }
        (Kind::Bytes, Value::String(_)) => {
            json!({"type": "string", "contentEncoding": "base64", "pattern": BASE64})
        }
        (Kind::String, Value::String(_)) => json!({"type": "string"}),
        (Kind::Bool, Value::Bool(_)) => json!({"type": "boolean"}),
        (Kind::Double, Value::Number(_)) => json!({"type": "number", "format": "double"}),
        (kind, Value::Number(_)) => number(&kind),
        (kind, written) => panic!("{}: {kind:?} is written as {written}", field.full_name()),
    }
}

/// A number that is written as one.
pub(crate) fn number(kind: &Kind) -> Value {
    let (format, minimum, maximum) = match kind {
        Kind::Uint32 => ("uint32", json!(u32::MIN), json!(u32::MAX)),
        Kind::Uint64 => ("uint64", json!(u64::MIN), json!(u64::MAX)),
        Kind::Int32 => ("int32", json!(i32::MIN), json!(i32::MAX)),
        Kind::Int64 => ("int64", json!(i64::MIN), json!(i64::MAX)),
        other => panic!("{other:?} is no whole number"),
    };
    json!({"type": "integer", "format": format, "minimum": minimum, "maximum": maximum})
}
