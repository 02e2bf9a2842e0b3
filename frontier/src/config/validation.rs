//! What is wrong with a configuration as a whole: what several sections say together, and the files that it names.

use super::{Config, EDGEBOUND, Listen, SERVICEBOUND, Wires};
use crate::cluster::{Bound, unreachable};
use frontier_config::Section;
use frontier_transport::{Bind, reject_client_files};

/// Refuses what listeners can't be together.
pub(super) fn reject_taken_ports(config: &Config, root: &Section<'_>) {
    let sides = [&config.edgebound.listeners, &config.servicebound.listeners];
    let bind = |listen: &Listen| {
        let bind = Bind { network: listen.network, only_v6: listen.only_v6, ..Bind::tcp(listen.addr) };
        (format!("{}.addr", listen.key), bind)
    };
    let planes = config.planes().into_iter().map(|(key, server)| (format!("{key}.listen.addr"), server.addr));
    let observability =
        config.observability.as_ref().map(|port| ("observability.addr".to_owned(), port.addr));
    let ports = planes.chain(observability).map(|(key, addr)| (key, Bind::tcp(addr)));
    let all: Vec<_> = sides.into_iter().flatten().map(bind).chain(ports).collect();
    frontier_transport::reject_taken_ports(root, &all);
}

/// Refuses a gateway of a cluster that others could not reach.
pub(super) fn reject_unreachable(config: &Config, root: &Section<'_>) {
    let Some(membership) = &config.membership else { return };
    if [EDGEBOUND, SERVICEBOUND].iter().any(|side| root.is_unread(&format!("{side}.listeners"))) {
        // What stands in for them says nothing.
        return;
    }
    let sides = [&config.servicebound.listeners, &config.edgebound.listeners];
    let bound = sides.map(|listeners| {
        let (_, told) = Listen::told(listeners).unwrap_or((0, &listeners[0]));
        Bound::new(told, told.addr)
    });
    for error in unreachable(membership, &bound[0], &bound[1]) {
        root.reject_at(error.key(), error.reason());
    }
    if membership.forward.is_some() && bound[0].wires == Wires::Geminio {
        let text = "needs a listener of `servicebound` that is not for clients of the Go original alone: other gateways ask there";
        root.reject_at("frontlas.forward.enable", text);
    }
}

/// Reads the files that are not read with the sections that name them, and refuses what is wrong with them.
pub(super) fn reject_files(config: &Config, root: &Section<'_>) {
    if let Err(errors) = config.check_access() {
        for mistake in errors.mistakes() {
            root.reject_at(mistake.key.as_deref().unwrap_or_default(), &mistake.text);
        }
    }
    for (section, tls) in config.client_tls() {
        reject_client_files(root, &format!("{section}.tls"), tls);
    }
    let Some(membership) = &config.membership else { return };
    let forward = membership.forward.as_ref().and_then(|forward| forward.token.as_ref());
    for (token, key) in
        [(membership.token.as_ref(), "frontlas.dial.token_file"), (forward, "frontlas.forward.token_file")]
    {
        if let Some(Err(error)) = token.map(super::TokenSource::check) {
            root.reject_at(key, error);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::Config;
    use crate::config::Refused;
    use frontier_config::Surroundings;
    use std::path::Path;

    fn load(yaml: &str) -> Result<Config, Refused> {
        let surroundings = Surroundings { environment: &|_| None, variables: &[], folder: Path::new("") };
        Config::load(yaml, &surroundings)
    }

    /// The mistakes, each with its key.
    fn mistakes(yaml: &str) -> Vec<(String, String)> {
        let refused = load(yaml).unwrap_err();
        refused.errors.mistakes().iter().map(|it| (it.path().to_owned(), it.message().to_owned())).collect()
    }

    #[test]
    fn both_sides_on_one_port_are_refused_and_port_0_is_another_each_time() {
        let yaml = "edgebound: {listen: {addr: 0.0.0.0:9}}\nservicebound: {listen: {addr: 127.0.0.1:9}}";
        let text = "127.0.0.1:9 is taken by edgebound.listen.addr, 0.0.0.0:9";
        assert_eq!(mistakes(yaml), [("servicebound.listen.addr".into(), text.into())]);
        let of_one_side = "edgebound: {listeners: [{addr: '[::1]:9'}, {addr: '[::1]:9', network: ws}]}";
        assert_eq!(mistakes(of_one_side)[0].0, "edgebound.listeners[1].addr");
        let yaml = "edgebound: {listen: {addr: 127.0.0.1:0}}\nservicebound: {listen: {addr: 127.0.0.1:0}}";
        load(yaml).unwrap();
        let yaml =
            "{edgebound: {listen: {addr: 0.0.0.0:9}}, observability: {enable: true, addr: 127.0.0.1:9}}";
        let text = "127.0.0.1:9 is taken by edgebound.listen.addr, 0.0.0.0:9";
        assert_eq!(mistakes(yaml), [("observability.addr".into(), text.into())]);
    }

    #[test]
    fn no_two_ports_of_a_gateway_are_one_and_the_default_ones_count() {
        let relay = "relay: {enable: true, listen: {addr: 127.0.0.1:9}, kafka: {topics: [t]}}, mq: {kafka: {enable: true}}";
        let bridge = "bridge: {enable: true, listen: {addr: 127.0.0.1:9}, topics: [{name: t}]}";
        let all = [
            ("edgebound.listen.addr", "edgebound: {listen: {addr: '[::ffff:127.0.0.1]:9'}}"),
            ("servicebound.listen.addr", "servicebound: {listeners: [{addr: 127.0.0.1:9}]}"),
            ("controlplane.listen.addr", "controlplane: {listen: {addr: 127.0.0.1:9}}"),
            ("bridge.listen.addr", bridge),
            ("relay.listen.addr", relay),
            ("observability.addr", "observability: {enable: true, addr: 127.0.0.1:9}"),
        ];
        for (index, (taken, first)) in all.iter().enumerate() {
            for (key, second) in &all[index + 1..] {
                let mistakes = mistakes(&format!("{{{first}, {second}}}"));
                let key = key.replace("servicebound.listen.", "servicebound.listeners[0].");
                assert_eq!(mistakes.len(), 1, "{mistakes:?}");
                assert_eq!(mistakes[0].0, key, "{mistakes:?}");
                let taken = taken.replace("servicebound.listen.", "servicebound.listeners[0].");
                assert!(mistakes[0].1.contains(&format!("is taken by {taken}, ")), "{mistakes:?}");
            }
        }
        // That of the control plane is there without a word.
        for (key, yaml) in [("relay.listen.addr", relay), ("bridge.listen.addr", bridge)] {
            let mistakes =
                mistakes(&format!("{{{}}}", yaml.replace("127.0.0.1:9", "0.0.0.0:30010, tls: {}")));
            assert!(
                mistakes.iter().any(|(path, text)| path == key && text.contains("controlplane")),
                "{mistakes:?}"
            );
        }
        load("{edgebound: {listen: {addr: 127.0.0.1:30010}}, controlplane: {enable: false}}").unwrap();
    }

    #[test]
    fn what_is_filled_in_and_off_is_told_and_so_are_no_sections_of_the_samples() {
        let yaml = "
edgebound: {listen: {addr: 127.0.0.1:1, tls: {certs: [{cert: c, key: k}]}}}
mq: {kafka: {producer: {topics: [a]}}, nats: {enable: false, producer: {subjects: [a]}}}
relay: {edges: true}
observability: {addr: 127.0.0.1:2}
frontlas: {dial: {addrs: ['a:1']}}
";
        let told = Config::parse(yaml, &|_| None).unwrap().ignored;
        let keys = ["observability", "relay", "edgebound.listen.tls", "frontlas", "mq.kafka"];
        for key in keys {
            let of_key = told.iter().filter(|line| line.contains(&format!(": {key} is filled in, and off")));
            assert_eq!(of_key.count(), 1, "{key}: {told:?}");
        }
        assert_eq!(told.len(), keys.len(), "{told:?}");
    }

    #[test]
    fn one_side_listens_on_both_families_at_one_port() {
        let both = "edgebound: {listeners: [{addr: '[::]:9'}, {addr: '0.0.0.0:9'}]}";
        let listeners = load(both).unwrap().edgebound.listeners;
        assert_eq!(listeners.iter().map(|it| it.only_v6).collect::<Vec<_>>(), [true, false]);
        assert!(!load("edgebound: {listen: {addr: '[::]:9'}}").unwrap().edgebound.listeners[0].only_v6);
        let two_sides = "{edgebound: {listen: {addr: '[::]:9'}}, servicebound: {listen: {addr: ':9'}}}";
        assert_eq!(mistakes(two_sides)[0].0, "servicebound.listen.addr");
    }

    #[test]
    fn a_gateway_of_a_cluster_must_be_reachable() {
        let yaml = "
servicebound: {listeners: [{addr: 0.0.0.0:9}]}
edgebound: {listen: {addr: 0.0.0.0:8, advertised_addr: '0.0.0.0:8'}}
frontlas: {enable: true}
";
        let anywhere = "must be set with `frontlas.enable`: nobody can dial 0.0.0.0:9";
        let expected = [
            ("servicebound.listeners[0].advertised_addr", anywhere),
            ("edgebound.listen.advertised_addr", "nobody can dial tcp://0.0.0.0:8"),
        ];
        assert_eq!(mistakes(yaml), expected.map(|(key, text)| (key.to_owned(), text.to_owned())));
        load(&yaml.replace("enable: true", "enable: false")).unwrap();
    }

    #[test]
    fn files_that_are_missing_are_told_with_everything_else_that_is_wrong() {
        let yaml = "
limits: {heartbeat: 20}
edgebound:
  listen: {network: tls, addr: 127.0.0.1:1, tls: {certs: [{cert: /no/cert, key: /no/key}]}}
  auth: {methods: [{token: {file: /no/tokens}}, {jwt: {keys: [{jwks_file: /no/jwks}]}}]}
servicebound: {listen: {addr: 127.0.0.1:2}}
access: {rules_file: /no/rules, quotas_file: /no/quotas}
frontlas:
  enable: true
  dial: {network: tls, token_file: /no/dial-token, tls: {ca_certs: [/no/ca], cert: /no/own, key: /no/own-key}}
  forward: {enable: true, token_file: /no/token, tls: {ca_certs: [/no/ca]}}
controlplane:
  listen: {tls: {enable: true, certs: [{cert: /no/plane, key: /no/plane-key}], crls: [/no/crl]}}
bridge:
  enable: true
  topics: [{name: t}]
  listen: {tls: {enable: true, certs: [{cert: /no/bridge, key: /no/bridge-key}]}}
";
        let mistakes = mistakes(yaml);
        let keys: Vec<_> = mistakes.iter().map(|(key, _)| key.as_str()).collect();
        let expected = [
            "limits.heartbeat",
            "edgebound.listen.tls.certs[0].cert",
            "edgebound.listen.tls.certs[0].key",
            "edgebound.auth.methods[0].token.file",
            "edgebound.auth.methods[1].jwt.keys[0].jwks_file",
            "access.rules_file",
            "access.quotas_file",
            "frontlas.dial.token_file",
            "frontlas.dial.tls.ca_certs[0]",
            "frontlas.dial.tls.cert",
            "frontlas.dial.tls.key",
            "frontlas.forward.token_file",
            "frontlas.forward.tls.ca_certs[0]",
            "controlplane.listen.tls.certs[0].cert",
            "controlplane.listen.tls.certs[0].key",
            "controlplane.listen.tls.crls",
            "bridge.listen.tls.certs[0].cert",
            "bridge.listen.tls.certs[0].key",
        ];
        assert_eq!(keys, expected, "{mistakes:#?}");
        for (key, text) in &mistakes[1..] {
            assert!(text.contains("/no/"), "{key}: {text}");
        }
        assert!(!Path::new("/no").exists());
    }

    #[test]
    fn what_nothing_has_replaced_is_refused() {
        let yaml =
            "edgebound: {listen: {advertised_addr: '${POD_IP}:30012'}, alternatives: ['tcp://$(B):1']}";
        let keys: Vec<_> = mistakes(yaml).into_iter().map(|(key, _)| key).collect();
        assert_eq!(keys, ["edgebound.listen.advertised_addr", "edgebound.alternatives[0]"]);
    }
}
