//! What protobuf's comments say.

use protox::prost_reflect::FileDescriptor;

/// The comment in front of what is at this path of its file, on one line for each paragraph.
///
/// # Panics
/// If there is none: everything that programs see is described.
pub(crate) fn comment(file: &FileDescriptor, path: &[i32], name: &str) -> String {
    let info = file.file_descriptor_proto().source_code_info.as_ref().expect("comments are kept");
    let location = info.location.iter().find(|it| it.path == path).expect("everything is somewhere");
    let text = location.leading_comments();
    assert!(!text.trim().is_empty(), "{name} has no comment");
    let paragraphs = text.trim().split("\n\n").map(|lines| {
        let words = lines.split_whitespace();
        words.collect::<Vec<_>>().join(" ")
    });
    paragraphs.collect::<Vec<_>>().join("\n\n")
}

/// Takes the route out of the comment of a call: gives it, as `GET /v1/edges`, and what else is said.
///
/// # Panics
/// If it names none.
pub(crate) fn route(comment: &str) -> (String, String) {
    let (before, after) = comment.split_once("REST: `").expect("each call says where it is in REST");
    let (route, after) = after.split_once('`').expect("the route ends");
    let after = after.trim_start_matches(", server-sent events").trim_start_matches('.').trim();
    (route.to_owned(), format!("{}\n\n{after}", before.trim()).trim().to_owned())
}

/// The first sentence, without its full stop, and the rest.
pub(crate) fn summary(text: &str) -> (&str, &str) {
    let ends = [". ", ".\n"].map(|end| text.find(end).unwrap_or(text.len()));
    let end = ends[0].min(ends[1]);
    let (summary, rest) = text.split_at(end);
    (summary.trim_end_matches('.'), rest.trim_start_matches('.').trim())
}
