//! What the listeners of one daemon can't be together.

use crate::Bind;
use frontier_config::Section;

/// Refuses each listener whose port one before it has, as the system would. Each comes with the path of the key that has its
/// address.
pub fn reject_taken_ports(root: &Section<'_>, listeners: &[(String, Bind)]) {
    for (index, (key, bind)) in listeners.iter().enumerate() {
        if let Some((by, other)) = listeners[..index].iter().find(|(_, other)| other.overlaps(bind)) {
            root.reject_at(key, format!("{} is taken by {by}, {}", bind.addr, other.addr));
        }
    }
}
