use frontier_config::{FromValue, Invalid, Section, Value};
use frontier_transport::Endpoint;

/// The longest URL, in bytes: a few of them go into one frame for each peer.
const MAX_LEN: usize = 2048;

/// Where peers of one side find other gateways.
pub(super) fn read(side: &Section<'_>) -> Vec<String> {
    side.list("alternatives", Vec::new()).into_iter().map(|Url(url)| url).collect()
}

struct Url(String);

impl FromValue for Url {
    fn from_value(value: &Value<'_>) -> Result<Self, Invalid> {
        let url = value.text("the URL of a gateway such as tls://gateway-b.example:30012")?;
        if url.len() > MAX_LEN {
            return Err(Invalid::new(format!("is {} bytes long, over the limit of {MAX_LEN}", url.len())));
        }
        match url.parse::<Endpoint>() {
            Ok(_) => Ok(Self(url.to_owned())),
            Err(error) => Err(Invalid::new(error.to_string())),
        }
    }
}
