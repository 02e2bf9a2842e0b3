//! What a broker says, as a line of a log.

use frontier_config::HostPort;

/// What a library says of servers: each part of it once, and with the addresses, which some leave out.
pub(crate) fn of_servers(text: &str, addrs: &[HostPort]) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in text.split(": ") {
        if !parts.contains(&part) {
            parts.push(part);
        }
    }
    let text = parts.join(": ");
    let names: Vec<String> = addrs.iter().map(ToString::to_string).collect();
    if names.is_empty() || names.iter().any(|name| has_name(&text, name)) {
        return one_line(&text);
    }
    one_line(&format!("{text} ({})", names.join(", ")))
}

/// Whether a text has this name of a server, and not as a part of a longer one.
fn has_name(text: &str, name: &str) -> bool {
    let goes_on = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_');
    text.match_indices(name).any(|(at, _)| {
        let (before, after) = (&text[..at], &text[at + name.len()..]);
        !before.ends_with(goes_on) && !after.starts_with(|c: char| c.is_alphanumeric())
    })
}

/// Without line breaks, and no longer than a line of a log.
pub(crate) fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(300).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_libraries_say_is_said_once_and_with_the_addresses() {
        let addrs = [HostPort { host: "a".to_owned(), port: 1 }, HostPort { host: "b".to_owned(), port: 2 }];
        for (text, told) in [
            ("IO error: IO error: refused", "IO error: refused (a:1, b:2)"),
            ("refused (b:2)", "refused (b:2)"),
            ("net: none of [a:1]; last: net: refused", "net: none of [a:1]; last: refused"),
            ("no\nroute", "no route (a:1, b:2)"),
            ("refused (a:10)", "refused (a:10) (a:1, b:2)"),
            ("refused (aa:1, x.a:1)", "refused (aa:1, x.a:1) (a:1, b:2)"),
            ("refused by a:1.", "refused by a:1."),
        ] {
            assert_eq!(of_servers(text, &addrs), told);
        }
        assert_eq!(of_servers("refused", &[]), "refused");
    }
}
