//! The web console: its files are for everybody, and nothing else is.

use crate::http::read;
use crate::world::{World, config};
use frontier_access::authn::token;
use frontlas::{Lifetimes, PlaneAccess};
use http_body_util::{BodyExt, Empty};
use hyper::body::Bytes;
use hyper::{Method, Request};

/// A control plane that asks for credentials, with these settings besides.
async fn guarded(settings: &str) -> World {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), format!("- {{hash: '{}', role: read}}\n", token::hash("reader"))).unwrap();
    let auth = format!("auth: {{methods: [{{token: {{file: '{}'}}}}]}}, {settings}", file.path().display());
    let config = config(&auth);
    let access = PlaneAccess::load(&config.access).unwrap();
    World::build(config, Lifetimes::default(), |plane| plane.with_access(access)).await
}

async fn ask(world: &World, method: Method, path: &str, accept: &str) -> (u16, String) {
    let request =
        Request::builder().method(method).uri(path).header("host", "localhost").header("accept", accept);
    let response = world.send(request.body(Empty::<Bytes>::new()).unwrap()).await;
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8_lossy(&body).into_owned())
}

#[tokio::test]
async fn who_has_no_credentials_gets_the_login_page_and_no_data() {
    let world = guarded("console: true").await;
    let (status, page) = ask(&world, Method::GET, "/console/", "text/html").await;
    assert!(status == 200 && page.contains("Frontier console"), "{status}: {page}");
    let (status, module) = ask(&world, Method::GET, "/console/js/plane.js", "*/*").await;
    assert!(status == 200 && module.contains("/cluster/v1/"), "{status}: {module}");
    assert_eq!(ask(&world, Method::GET, "/", "text/html,*/*;q=0.8").await.0, 307);
    for path in ["/cluster/v1/edges", "/cluster/v1/watch", "/livez", "/console.html", "/nowhere"] {
        assert_eq!(ask(&world, Method::GET, path, "text/html").await.0, 401, "{path}");
    }
    for method in [Method::POST, Method::PUT, Method::DELETE] {
        assert_eq!(ask(&world, method.clone(), "/console/", "text/html").await.0, 401, "{method}");
    }
}

#[tokio::test]
async fn it_can_be_left_out() {
    let world = guarded("console: false").await;
    for path in ["/", "/console", "/console/", "/console/js/main.js"] {
        assert_eq!(ask(&world, Method::GET, path, "text/html").await.0, 401, "{path}");
    }
}

#[tokio::test]
async fn where_everybody_may_ask_programs_are_still_told_that_there_is_nothing_at_the_root() {
    let world = World::new().await;
    let (status, body) = read(world.get("/").await).await;
    assert_eq!((status.as_u16(), body["code"].as_str()), (404, Some("UNIMPLEMENTED")));
    assert_eq!(ask(&world, Method::GET, "/", "text/html").await.0, 307);
}
