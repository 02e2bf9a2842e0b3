//! Messages to look at what is written for them.

use protox::prost_reflect::{DynamicMessage, FieldDescriptor, Kind, MapKey, MessageDescriptor, Value};

/// One with every field set to something else than its default, all the way down.
pub(crate) fn full(message: &MessageDescriptor) -> DynamicMessage {
    with(message, |field| Some(value(field, full)))
}

/// One whose messages are there, and everything else is not.
pub(crate) fn hollow(message: &MessageDescriptor) -> DynamicMessage {
    with(message, |field| {
        let is_message = matches!(field.kind(), Kind::Message(_)) && !field.is_map();
        is_message.then(|| value(field, |message| DynamicMessage::new(message.clone())))
    })
}

fn with(message: &MessageDescriptor, value: impl Fn(&FieldDescriptor) -> Option<Value>) -> DynamicMessage {
    let mut made = DynamicMessage::new(message.clone());
    for field in message.fields() {
        if let Some(value) = value(&field) {
            made.set_field(&field, value);
        }
    }
    made
}

fn value(field: &FieldDescriptor, inner: impl Fn(&MessageDescriptor) -> DynamicMessage) -> Value {
    if field.is_map() {
        return Value::Map([(MapKey::String("key".to_owned()), Value::String("value".to_owned()))].into());
    }
    let one = match field.kind() {
        Kind::Message(message) => Value::Message(inner(&message)),
        Kind::Double => Value::F64(0.5),
        Kind::Int32 => Value::I32(7),
        Kind::Int64 => Value::I64(7),
        Kind::Uint32 => Value::U32(7),
        Kind::Uint64 => Value::U64(7),
        Kind::Bool => Value::Bool(true),
        Kind::String => Value::String("text".to_owned()),
        Kind::Bytes => Value::Bytes(vec![0xff].into()),
        Kind::Enum(_) => Value::EnumNumber(1),
        other => panic!("no field is of the kind {other:?} yet"),
    };
    if field.is_list() { Value::List(vec![one]) } else { one }
}
