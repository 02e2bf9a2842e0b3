//! Whether a server lets us in. What may be published it says of messages alone.

use super::Mqtt;
use crate::backend::Backend;
use crate::{Bounds, MqttConfig};

/// Connects, by another name than the gateway, whose session would end by that.
pub(crate) async fn look(
    config: &MqttConfig,
    name: &'static str,
    bounds: Bounds,
) -> Result<Vec<String>, String> {
    let other = MqttConfig { client_id: None, ..config.clone() };
    Mqtt::new(&other, name, bounds).connect().await.map(|_| Vec::new())
}
