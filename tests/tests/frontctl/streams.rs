//! `stream`, in pipes.

use crate::world::{World, prints};
use frontier_sdk::{Edge, EdgeId};
use frontier_tests::{Gateway, within};
use std::process::{Child, Command, Stdio};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

fn piped(mut command: Command) -> Child {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

#[tokio::test]
async fn what_goes_in_comes_out_and_each_direction_ends_by_itself() {
    let gateway = Gateway::start().await;
    let edge = Edge::builder(gateway.edge_url()).id(EdgeId(7)).connect().await.unwrap();
    let world = World::at(&gateway);
    let far = async {
        let mut stream = edge.accept_stream().await.unwrap();
        let mut all = Vec::new();
        // The end of standard input arrives, and the answer goes back after it.
        stream.read_to_end(&mut all).await.unwrap();
        all.reverse();
        stream.write_all(&all).await.unwrap();
        stream.shutdown().await.unwrap();
        stream.meta().clone()
    };
    let bytes: Vec<u8> = (0..=255).cycle().take(3_000_000).collect();
    let arguments = ["stream", "--edge", "7", "--stream-meta", "logs"];
    let (output, meta) = tokio::join!(world.output(&arguments, &bytes), within("the far end is done", far));
    let mut expected = bytes;
    expected.reverse();
    assert!(output.status.success() && output.stdout == expected, "{output:?}");
    assert_eq!(meta, "logs");
}

#[tokio::test]
async fn two_of_them_are_joined_by_name() {
    let gateway = Gateway::start().await;
    let world = World::at(&gateway);
    let mut command = world.command(&["stream", "--accept", "service", "--name", "files"]);
    let text = "a whole file";
    std::fs::write(world.path("answer"), "the answer").unwrap();
    command.stdin(std::fs::File::open(world.path("answer")).unwrap());
    let mut accept = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stderr = std::io::BufReader::new(accept.stderr.take().unwrap());
    let waiting = tokio::task::spawn_blocking(move || {
        let mut line = String::new();
        std::io::BufRead::read_line(&mut stderr, &mut line).unwrap();
        (line, stderr)
    });
    let (line, _stderr) = within("it waits", waiting).await.unwrap();
    assert!(line.contains("waiting for a stream as service"), "{line}");
    let sent = world.run_with(&["stream", "--service", "files"], text.as_bytes()).await;
    assert_eq!(sent.text(), "the answer");
    let output = tokio::task::spawn_blocking(move || accept.wait_with_output());
    let output = within("it ends", output).await.unwrap().unwrap();
    assert!(output.status.success() && output.stdout == text.as_bytes(), "{output:?}");
}

#[tokio::test]
async fn a_stream_that_breaks_off_is_no_end() {
    let gateway = Gateway::start().await;
    let edge = Edge::builder(gateway.edge_url()).id(EdgeId(7)).connect().await.unwrap();
    let world = World::at(&gateway);
    let mut child = piped(world.command(&["stream", "--edge", "7"]));
    // Its input goes on.
    let _input = child.stdin.take();
    let mut stream = within("it opens", edge.accept_stream()).await.unwrap();
    stream.write_all(b"a part").await.unwrap();
    stream.flush().await.unwrap();
    let mut stdout = child.stdout.take().unwrap();
    let part = tokio::task::spawn_blocking(move || {
        let mut part = [0; 6];
        std::io::Read::read_exact(&mut stdout, &mut part).unwrap();
        (part, stdout)
    });
    let (part, _stdout) = within("a part comes", part).await.unwrap();
    assert_eq!(&part, b"a part");
    stream.reset();
    let output = within("it ends", tokio::task::spawn_blocking(move || child.wait_with_output()))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(output.status.code(), Some(75));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("the stream broke off"), "{said}");
}

#[tokio::test]
async fn nobody_to_open_it_to_is_said() {
    let gateway = Gateway::start().await;
    let world = World::at(&gateway);
    world.run(&["stream", "--service", "files"]).await.failed(75, "service not online");
    world.run(&["stream"]).await.failed(64, "--edge <ID>");
    let accept = world.start(&["stream", "--accept", "edge", "--id", "3"]);
    prints(&accept, "waiting for a stream as edge 3").await;
}
