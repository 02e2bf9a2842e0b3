//! The `chatroom` example.

use crate::program::Program;
use frontier_tests::Gateway;

async fn room(gateway: &Gateway) -> Program {
    let room = Program::example("chatroom", ["service", "--gateway", &gateway.service_url()]);
    room.prints("the room is open").await;
    room
}

fn client(gateway: &Gateway, name: &str) -> Program {
    Program::example("chatroom", ["client", "--name", name, "--gateway", &gateway.edge_url()])
}

/// A client that is in the room.
async fn member(gateway: &Gateway, name: &str) -> Program {
    let client = client(gateway, name);
    client.prints(&format!("* {name} joined")).await;
    client
}

#[tokio::test]
async fn everyone_hears_what_is_said_and_who_comes_and_goes() {
    let gateway = Gateway::start().await;
    let _room = room(&gateway).await;
    let mut ada = member(&gateway, "ada").await;
    let mut ben = member(&gateway, "ben").await;
    let cem = member(&gateway, "cem").await;
    ada.prints("* cem joined").await;

    ada.types("hello");
    for client in [&ada, &ben, &cem] {
        client.prints("ada: hello").await;
    }
    for number in 0..100 {
        ben.types(&format!("line {number}"));
    }
    cem.prints("ben: line 99").await;
    let lines: Vec<String> = cem.lines().into_iter().filter(|line| line.starts_with("ben: ")).collect();
    let said: Vec<String> = (0..100).map(|number| format!("ben: line {number}")).collect();
    assert_eq!(lines, said);

    ada.end_input();
    assert_eq!(ada.exits().await, Some(0));
    ben.prints("* ada left").await;
}

#[tokio::test]
async fn a_name_that_is_taken_is_refused_until_it_is_free() {
    let gateway = Gateway::start().await;
    let _room = room(&gateway).await;
    let ben = member(&gateway, "ben").await;
    let mut ada = member(&gateway, "ada").await;
    let mut other = client(&gateway, "ada");
    assert_eq!(other.exits().await, Some(1));
    other.prints("not let in: the name ada is taken").await;
    // The one who has the name has noticed nothing.
    ada.types("still here");
    ben.prints("ada: still here").await;

    ada.kill();
    ben.prints("* ada left").await;
    member(&gateway, "ada").await;
}

#[tokio::test]
async fn a_name_that_is_none_is_refused() {
    let gateway = Gateway::start().await;
    let _room = room(&gateway).await;
    let mut client = client(&gateway, " ");
    assert_eq!(client.exits().await, Some(1));
    client.prints("not let in: the name is empty").await;
}

#[tokio::test]
async fn members_come_back_after_the_gateway_was_gone() {
    let mut gateway = Gateway::start().await;
    let _room = room(&gateway).await;
    let mut ada = member(&gateway, "ada").await;
    let ben = member(&gateway, "ben").await;
    gateway.restart().await;
    for client in [&ada, &ben] {
        client.prints("! connected again").await;
    }
    ada.types("back again");
    ben.prints("ada: back again").await;
}

#[tokio::test]
async fn a_room_that_was_started_again_gets_to_know_its_members() {
    let gateway = Gateway::start().await;
    let mut before = room(&gateway).await;
    let mut ada = member(&gateway, "ada").await;
    let mut ben = member(&gateway, "ben").await;
    before.kill();
    before.exits().await;
    let after = room(&gateway).await;
    ben.types("anybody here?");
    after.prints("ben: anybody here?").await;
    ada.types("I am");
    ben.prints("ada: I am").await;
}

#[tokio::test]
async fn a_client_says_that_nobody_has_opened_the_room_and_fails() {
    let gateway = Gateway::start().await;
    let arguments = ["client", "--name", "ada", "--wait", "1", "--gateway", &gateway.edge_url()];
    let mut ada = Program::example("chatroom", arguments);
    ada.end_input();
    assert_eq!(ada.exits().await, Some(1));
    ada.prints("nobody has opened the room yet").await;
    ada.prints("`chatroom service` opens it").await;
}

#[tokio::test]
async fn a_client_that_came_before_the_room_is_in_it_once_it_is_open() {
    let gateway = Gateway::start().await;
    let arguments = ["client", "--name", "ada", "--wait", "60", "--gateway", &gateway.edge_url()];
    let mut ada = Program::example("chatroom", arguments);
    ada.prints("nobody has opened the room yet").await;
    let _room = room(&gateway).await;
    ada.prints("! in the room: ada").await;
    member(&gateway, "ben").await;
    ada.prints("* ben joined").await;
    ada.end_input();
    assert_eq!(ada.exits().await, Some(0));
}
