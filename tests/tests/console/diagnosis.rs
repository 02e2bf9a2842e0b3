//! The page of `examples/diagnosis`: readings are written to a stream, and a browser shows what was found, live.

use crate::browser::Browser;
use crate::screen::Screen;
use frontier_test_redis::Server;
use frontier_tests::{DEADLINE, Diagnosis, Process, eventually, tool};
use std::process::Command;

#[tokio::test(flavor = "multi_thread")]
async fn a_page_shows_the_fleet_and_plots_of_a_vehicle_as_results_come() {
    let mut command = Command::new(tool("python3", "python3"));
    command.args(["-u", "-m", "http.server", "0", "--bind", "127.0.0.1", "--directory"]);
    let files = Process::spawn("http.server", {
        command.arg(Diagnosis::file("page"));
        command
    });
    let port = eventually(DEADLINE, "the page is served", async || {
        let line = files.log().find("Serving HTTP on ")?;
        line.split_once(" port ")?.1.split(' ').next()?.parse::<u16>().ok()
    });
    let origin = format!("http://127.0.0.1:{}", port.await);
    let server = Server::start();
    let diagnosis = Diagnosis::start(server.addr(), &origin).await;
    let _frames = diagnosis.frames("frontend").await;
    let _health = diagnosis.program("health", &[]);
    let _worker = diagnosis.worker(&[]).await;
    let browser = Browser::start().await;
    browser.show_on(Screen::DESK).await;
    browser.open(&format!("{origin}/?gateway=ws://{}", diagnosis.bridge)).await;
    browser.sees("#state", "live").await;
    // The faults of made-up vehicles are known: the third has a bad bearing, and none of the sixth to tenth has any.
    let mut produce = diagnosis.program("produce", &["--vehicles", "20", "--rate", "100", "--count", "200"]);
    browser.sees("#vehicles", "20").await;
    browser.sees("#faulty", "10").await;
    browser.click("[data-vehicle=vehicle_00002]").await;
    browser.sees("#chosen", "vehicle_00002").await;
    browser.sees("#health", "critical").await;
    browser.sees("[data-fault=bearing] h3", "fault").await;
    browser.sees("[data-fault=insulation] h3", "normal").await;
    browser.sees("[data-fault=bearing] li", "kurtosis").await;
    let drawn = |canvas: &str| {
        format!(
            "(() => {{ const it = document.querySelector('[data-fault=bearing] canvas:{canvas}-of-type'); \
             return it.getContext('2d').getImageData(0, 0, it.width, it.height).data.some((byte) => byte > 0) }})()"
        )
    };
    for canvas in ["first", "last"] {
        browser.wait("a plot is drawn", &drawn(canvas)).await;
    }
    let told = "document.querySelector('[data-fault=turn_fault] canvas:last-of-type').ariaLabel.startsWith('Strongest at ')";
    browser.wait("it is told to who does not see it", told).await;
    browser.fill("#filter", "00012").await;
    browser.wait("one is left", "document.querySelectorAll('#fleet li').length === 1").await;
    assert_eq!(produce.exit().await, Some(0), "{:?}", produce.log().lines());
    browser.sees("#lost", "0").await;
    for screen in Screen::ALL {
        browser.show_on(screen).await;
        browser.wait("it fits", "document.documentElement.scrollWidth <= innerWidth").await;
        browser.keep_picture(&format!("diagnosis-{}", screen.name())).await;
    }
    browser.has_no_complaints().await;
}
