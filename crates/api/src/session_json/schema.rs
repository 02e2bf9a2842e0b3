//! What the types can't say.

use schemars::{Schema, SchemaGenerator, json_schema};

pub(super) fn session_type(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"enum": [0, 1, "Interactive", "Durable", null], "default": 0})
}

pub(super) fn transport_scheme(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"enum": [0, 1, 2, "Grpc", "Http", "WebSocket", null], "default": 0})
}

pub(super) fn time_span(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": ["string", "null"],
        "pattern": r"^([0-9]{1,7}\.)?([01]?[0-9]|2[0-3]):[0-5]?[0-9]:[0-5]?[0-9](\.[0-9]{1,7})?$",
        "examples": ["00:05:00", "1.00:00:00"],
    })
}

pub(super) fn pool(_: &mut SchemaGenerator) -> Schema {
    let label = json_schema!({"type": "string", "maxLength": 255});
    json_schema!({"type": "object", "maxProperties": 16, "additionalProperties": label})
}

pub(super) fn preferred_nodes(_: &mut SchemaGenerator) -> Schema {
    let node = json_schema!({"type": "string", "minLength": 1, "maxLength": 255});
    json_schema!({"type": "array", "maxItems": 16, "items": node})
}

pub(super) fn client_id(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": ["string", "null"], "pattern": "^[0-9A-Za-z_{} -]{1,128}$"})
}

pub(super) fn base64(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": ["string", "null"],
        "contentEncoding": "base64",
        "pattern": "^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/][AQgw]==|[A-Za-z0-9+/]{2}[AEIMQUYcgkosw048]=)?$",
    })
}

pub(super) fn message_id(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": ["string", "null"], "format": "uuid"})
}
