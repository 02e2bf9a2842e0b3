//! What only real servers can show: they die, restart, fail over, refuse.
