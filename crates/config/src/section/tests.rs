//! Reading sections, lists and maps, and where their mistakes are reported.

use std::path::PathBuf;
use std::time::Duration;

use super::*;

#[test]
fn a_component_reports_what_only_it_can_see() {
    let document = Document::parse("listen:\n  tls: true\n  cert:\n", &|_| None).unwrap();
    let listen = document.root().section("listen");
    if listen.get("tls", false) && listen.optional::<String>("cert").is_none() {
        listen.reject("cert", "is required with `tls: true`");
    }
    let errors = document.finish().unwrap_err();
    assert_eq!(errors.mistakes()[0].path(), "listen.cert");
    assert_eq!(errors.mistakes()[0].message(), "is required with `tls: true`");
    assert!(matches!(errors.mistakes()[0].place(), Place::Line { line: 3, .. }));
}

#[test]
fn presence_is_told_apart_from_content() {
    let document = Document::parse("a: {}\nb:\n", &|_| None).unwrap();
    let root = document.root();
    assert!(root.section("a").is_present());
    assert!(!root.section("b").is_present() && !root.section("c").is_present());
    assert_eq!(root.section("c").section("d").path(), "c.d");
}

#[test]
fn a_missing_key_is_placed_at_its_section() {
    let document = Document::parse("a: 1\nb:\n  c: 1\n", &|_| None).unwrap();
    let root = document.root();
    let _: (u8, u8) = (root.get("a", 0), root.section("b").get("c", 0));
    let _: Duration = root.section("b").required("wait", Duration::ZERO);
    assert_eq!(
        document.finish().unwrap_err().mistakes()[0].to_string(),
        "line 3, column 3: b.wait: is required"
    );
}

#[test]
fn a_map_has_keys_of_its_own() {
    let document = Document::parse("labels:\n  a: 1\n  b: x\n  c:\nother: 1\n", &|_| None).unwrap();
    let root = document.root();
    assert_eq!(root.map::<u8>("labels"), [("a".to_owned(), 1)]);
    assert_eq!(root.map::<u8>("absent"), []);
    assert_eq!(root.map::<u8>("other"), []);
    let errors = document.finish().unwrap_err();
    let mistakes: Vec<_> = errors.mistakes().iter().map(ToString::to_string).collect();
    assert_eq!(
        mistakes,
        [
            "line 3, column 6: labels.b: expected a whole number from 0 to 255, found `x`",
            "line 4, column 3: labels.c: expected a value, found nothing",
            "line 5, column 8: other: expected a section (`key: value` lines), found a single value",
        ]
    );
}

#[test]
fn a_key_may_take_several_forms() {
    let document = Document::parse("a: 1\nb: [1, 2]\nc: {d: 1}\n", &|_| None).unwrap();
    let root = document.root();
    let shapes = ["a", "b", "c", "d"].map(|key| root.shape(key));
    assert_eq!(shapes, [Some(Shape::Value), Some(Shape::List), Some(Shape::Section), None]);
    assert_eq!(root.one_or_more::<u8>("a"), Some(vec![1]));
    assert_eq!(root.one_or_more::<u8>("b"), Some(vec![1, 2]));
    assert_eq!(root.one_or_more::<u8>("d"), None);
    assert_eq!(root.section("c").get("d", 0_u8), 1);
    document.finish().unwrap();
}

#[test]
fn a_file_may_be_one_list() {
    let document = Document::parse("- a: 1\n- b: 1\n-\n", &|_| None).unwrap();
    let read: Vec<u8> = document.sections().iter().map(|section| section.get("a", 0)).collect();
    assert_eq!(read, [1, 0]);
    let report = document.finish().unwrap_err().to_string();
    assert!(report.contains("line 2, column 3: [1].b: unknown key"), "{report}");
    assert!(report.contains("[2]: expected a section"), "{report}");

    let document = Document::parse("a: 1\n", &|_| None).unwrap();
    assert!(document.sections().is_empty());
    let report = document.finish().unwrap_err().to_string();
    assert!(report.contains("expected a list (`- ` lines), found a section"), "{report}");
    assert!(Document::parse("", &|_| None).unwrap().sections().is_empty());
}

#[test]
fn reading_a_section_twice_reports_its_mistakes_once() {
    let document = Document::parse("a: {b: x, c: 1}\n", &|_| None).unwrap();
    for _ in 0..2 {
        let _: u8 = document.root().section("a").get("b", 0);
    }
    assert_eq!(document.finish().unwrap_err().mistakes().len(), 2);
}

#[test]
fn what_a_shell_should_have_replaced_is_refused_wherever_it_is_read() {
    let text = "a: ${POD_IP}:1\nb: [x, '$(B)']\nc: {file: '/x/${C_1}'}\nd: ${e}\nf: a$b {x} ${} ${a b} $(a\n";
    let document = Document::parse(text, &|_| None).unwrap();
    let root = document.root();
    let _: (String, Vec<String>) = (root.get("a", String::new()), root.list("b", Vec::new()));
    let _: (Option<crate::Secret>, u8) = (root.optional("c"), root.get("d", 0));
    assert_eq!(root.get("f", String::new()), "a$b {x} ${} ${a b} $(a");
    let errors = document.finish().unwrap_err();
    let paths: Vec<_> = errors.mistakes().iter().map(Mistake::path).collect();
    assert_eq!(paths, ["a", "b[1]", "c", "d"]);
    for mistake in errors.mistakes() {
        assert!(mistake.message().starts_with("has a `${NAME}`"), "{mistake}");
    }
}

#[test]
fn what_is_found_late_is_placed_as_well() {
    let document = Document::parse("a:\n  b:\n    - c: 1\n    - c: 2\n", &|_| None).unwrap();
    let root = document.root();
    let list = root.section("a").sections("b");
    let _: Vec<u8> = list.iter().map(|section| section.get("c", 0)).collect();
    for path in ["a.b[1].c", "a.b[1].d", ""] {
        root.reject_at(path, "wrong");
    }
    let errors = document.finish().unwrap_err();
    let lines: Vec<_> = errors.mistakes().iter().map(ToString::to_string).collect();
    let expected = [
        "line 1, column 1: wrong",
        "line 4, column 7: a.b[1].d: wrong",
        "line 4, column 10: a.b[1].c: wrong",
    ];
    assert_eq!(lines, expected);
}

#[test]
fn any_value_may_come_from_a_variable() {
    let environment = |name: &str| match name {
        "POD_IP" => Some("10.0.0.7".to_owned()),
        "POD_IP6" => Some("fd00::7".to_owned()),
        "LIST" => Some("a, b".to_owned()),
        "ODD" => Some("a${b}".to_owned()),
        _ => None,
    };
    let text = "
a: {env: POD_IP, port: 30012}
b: {env: POD_IP6, port: 30012}
c: {env: LIST}
d: [{env: POD_IP}, x]
e: {env: ODD}
f: {env: NOPE}
g: {env: POD_IP}
h: {env: [POD_IP]}
i: {env: NOPE}
labels: {env: prod}
";
    let document = Document::parse(text, &environment).unwrap();
    let root = document.root();
    let addr = |key| root.optional::<std::net::SocketAddr>(key).map(|addr| addr.to_string());
    assert_eq!(addr("a").as_deref(), Some("10.0.0.7:30012"));
    assert_eq!(addr("b").as_deref(), Some("[fd00::7]:30012"));
    assert_eq!(root.list::<String>("c", Vec::new()), ["a", "b"]);
    assert_eq!(root.list::<String>("d", Vec::new()), ["10.0.0.7", "x"]);
    assert_eq!(root.get("e", String::new()), "a${b}");
    assert_eq!(root.map::<String>("labels"), [("env".to_owned(), "prod".to_owned())]);
    let _: (u8, u8, String) = (root.get("f", 0), root.get("g", 0), root.get("h", String::new()));
    assert_eq!(root.list("i", vec![1_u8]), [1]);
    let errors = document.finish().unwrap_err();
    let lines: Vec<_> = errors.mistakes().iter().map(ToString::to_string).collect();
    let expected = [
        "line 7, column 4: f: environment variable `NOPE` is not set or empty",
        "line 9, column 4: h: expected text, found a section",
        "line 10, column 4: i: environment variable `NOPE` is not set or empty",
        "environment variable POD_IP: g: expected a whole number from 0 to 255, found `10.0.0.7`",
    ];
    assert_eq!(lines, expected);
}

#[test]
fn relative_paths_start_at_the_folder_of_the_file() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("secret"), "hunter2").unwrap();
    let text = "a: certs/a.pem\nb: /b.pem\nc: [c.pem]\nd: {file: secret}\n";
    let document = Document::parse(text, &|_| None).unwrap().relative_to(folder.path());
    let root = document.root();
    let paths = [root.get("a", PathBuf::new()), root.get("b", PathBuf::new())];
    assert_eq!(paths, [folder.path().join("certs/a.pem"), PathBuf::from("/b.pem")]);
    assert_eq!(root.list::<PathBuf>("c", Vec::new()), [folder.path().join("c.pem")]);
    assert_eq!(root.get("d", crate::Secret::new("")).expose(), "hunter2");
    document.finish().unwrap();
}

#[test]
fn files_of_others_may_have_keys_that_mean_nothing_and_forms_of_their_own() {
    let text = "a: {b: [{c: 1}], on: true}\nd: ''\ne: false\nf: 0\ng: ''\nh: 7\ni: 0\nj: 90\nk: 2m\n";
    let document = Document::parse(text, &|_| None).unwrap();
    let root = document.root();
    let line = root.ignored("a", "it is the other way round").unwrap();
    assert_eq!(line, "line 1, column 4: a is not used: it is the other way round");
    assert_eq!((root.ignored_text("a", "on"), root.ignored_text("a", "b")), (Some("true"), None));
    assert_eq!(["d", "e", "f", "absent"].map(|key| root.ignored(key, "")), [const { None }; 4]);
    assert_eq!((root.filled("g", 5_u8), root.filled("h", 5_u8)), (5, 7));
    assert_eq!(root.optional_filled::<String>("d"), None);
    let seconds = |key| {
        let (least, most) = (Duration::from_secs(1), Duration::from_secs(100));
        root.seconds_within(key, Duration::from_secs(3), least..=most).as_secs()
    };
    assert_eq!((seconds("i"), seconds("j"), seconds("absent"), seconds("k")), (3, 90, 3, 3));
    let errors = document.finish().unwrap_err();
    assert_eq!(errors.mistakes()[0].message(), "must lie between 1s and 100s, is 120s");
    assert_eq!(errors.mistakes().len(), 1);
}

#[test]
fn one_mistake_is_told_once_whatever_its_component_makes_of_what_stands_in() {
    let text =
        "a: {list: x, none: [[a], {b: c}], wrong: 9, to: x, secret: {file: /no/such/file}}\nb: [[x], y, y]\n";
    let document = Document::parse(text, &|_| None).unwrap();
    let root = document.root();
    let a = root.section("a");
    for key in ["list", "none"] {
        if a.list::<String>(key, Vec::new()).is_empty() {
            a.reject(key, "has none");
        }
        assert!(a.is_unread(key), "{key}");
    }
    let (least, most) = (a.within("wrong", 1, 0..=5), a.get("most", 0));
    if most < least {
        a.reject("wrong", "must be less than `most`");
    }
    let to = a.section("to");
    let _ = to.required("topic", String::new());
    to.reject("edge", "is required, or `topic`");
    if a.optional::<crate::Secret>("secret").is_none() {
        a.reject("secret", "is required");
    }
    root.reject_at("a.list", "nothing goes there");
    // Of a list of which a part can be read the rest is looked at.
    assert_eq!(root.list::<String>("b", Vec::new()), ["y", "y"]);
    root.reject("b", "has \"y\" twice");
    // It is right, and so is what is said of it.
    a.reject("most", "is required");
    let errors = document.finish().unwrap_err();
    let paths: Vec<_> = errors.mistakes().iter().map(Mistake::path).collect();
    assert_eq!(
        paths,
        ["a.most", "a.list", "a.none[0]", "a.none[1]", "a.wrong", "a.to", "a.secret", "b", "b[0]"],
        "{errors}"
    );
    let told =
        |path: &str| errors.mistakes().iter().find(|it| it.path() == path).unwrap().message().to_owned();
    assert_eq!(told("a.list"), "expected a list, found a single value");
    assert!(told("a.wrong").starts_with("must lie between") && told("a.secret").contains("no such file"));
}

#[test]
fn what_is_rejected_below_a_section_is_placed_there() {
    let document = Document::parse("a:\n  b:\n    c: []\n", &|_| None).unwrap();
    let root = document.root();
    let _ = root.section("a").section("b").list::<String>("c", Vec::new());
    root.section("a").reject("b.c", "has none");
    root.section("a").reject("b.d", "is required");
    let errors = document.finish().unwrap_err();
    let lines: Vec<_> = errors.mistakes().iter().map(ToString::to_string).collect();
    assert_eq!(lines, ["line 2, column 3: a.b.d: is required", "line 3, column 8: a.b.c: has none"]);
}

#[test]
fn a_section_that_is_filled_in_and_not_enabled_is_told_of() {
    let text = "a: {b: 1}\nc: {enable: false, b: 1}\nd: {enable: true, b: 1}\ne: {b: [], c: {d: ''}, f: 0}\nf: {enable: , b: [{c: x}]}\n";
    let document = Document::parse(text, &|_| None).unwrap();
    let root = document.root();
    for _ in 0..2 {
        let enabled = ["a", "c", "d", "e", "f", "absent"].map(|key| root.section(key).is_enabled(false));
        assert_eq!(enabled, [false, false, true, false, false, false]);
        assert!(root.section("a").is_enabled(true), "unless it is on without a word");
    }
    let hints = root.hints();
    let [a, f] = &hints[..] else { panic!("{hints:?}") };
    assert!(a.starts_with("line 1, column 4: a is filled in, and off: only `a.enable: true`"), "{a}");
    assert!(f.contains("f.enable"), "{f}");
}
