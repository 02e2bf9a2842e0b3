//! Who gets a place, and who gives one up for it.

use super::*;

fn ip(last: u8) -> Option<IpAddr> {
    Some([192, 0, 2, last].into())
}

fn is_given_up(place: &Place) -> bool {
    place.given_up.is_set()
}

#[test]
fn both_limits_hold_and_are_given_back() {
    let half_open = HalfOpen::new(3, 2);
    let first = half_open.enter(ip(1)).unwrap();
    let _second = half_open.enter(ip(1)).unwrap();
    assert_eq!(half_open.enter(ip(1)).unwrap_err(), Crowded::Address(2));
    let _third = half_open.enter(ip(2)).unwrap();
    assert_eq!(half_open.enter(ip(2)).unwrap_err(), Crowded::All(3), "nobody has two more than it");
    drop(first);
    drop(half_open.enter(ip(2)).unwrap());
    drop(_second);
    drop(_third);
    assert!(half_open.places.lock().by_address.is_empty());
    assert_eq!(half_open.places.lock().count, 0);
}

#[test]
fn who_has_many_places_gives_the_oldest_up_for_who_has_none() {
    let half_open = HalfOpen::new(3, 3);
    let many: Vec<_> = (0..3).map(|_| half_open.enter(ip(1)).unwrap()).collect();
    let other = half_open.enter(ip(2)).unwrap();
    assert_eq!(many.iter().map(is_given_up).collect::<Vec<_>>(), [true, false, false]);
    assert_eq!(half_open.enter(ip(2)).unwrap_err(), Crowded::All(3), "two beside one is fair");
    let third = half_open.enter(ip(3)).unwrap();
    assert_eq!(many.iter().map(is_given_up).collect::<Vec<_>>(), [true, true, false]);
    drop(many);
    assert_eq!(half_open.places.lock().count, 2, "what was given up is not given back twice");
    assert!(!is_given_up(&other) && !is_given_up(&third));
}

#[test]
fn where_all_have_one_place_the_longest_silent_one_gives_way_and_then_the_oldest() {
    let half_open = HalfOpen::new(3, 3);
    let held: Vec<_> = (1..=3).map(|last| half_open.enter(ip(last)).unwrap()).collect();
    held[0].heard();
    assert_eq!(half_open.enter(ip(1)).unwrap_err(), Crowded::All(3), "one that has as many as anybody");
    let fourth = half_open.enter(ip(4)).unwrap();
    assert_eq!(held.iter().map(is_given_up).collect::<Vec<_>>(), [false, true, false]);
    held[2].heard();
    fourth.heard();
    let _fifth = half_open.enter(ip(5)).unwrap();
    let _sixth = half_open.enter(ip(6)).unwrap();
    assert_eq!(
        held.iter().map(is_given_up).collect::<Vec<_>>(),
        [true, true, false],
        "the silent fifth before"
    );
    drop((held, fourth, _fifth, _sixth));
    let places = half_open.places.lock();
    assert!(places.silent.is_empty() && places.heard.is_empty() && places.by_address.is_empty());
}

#[test]
fn silence_from_any_number_of_addresses_keeps_nobody_out() {
    let half_open = HalfOpen::new(600, 100);
    let address = |number: u16| Some(IpAddr::from([10, 0, number.to_be_bytes()[0], number.to_be_bytes()[1]]));
    let _silent: Vec<_> = (0..1500).map(|number| half_open.enter(address(number)).unwrap()).collect();
    let good = half_open.enter(ip(1)).unwrap();
    good.heard();
    let _more: Vec<_> = (1500..3000).map(|number| half_open.enter(address(number)).unwrap()).collect();
    assert!(!is_given_up(&good));
}

#[test]
fn many_networks_of_one_site_of_ipv6_give_way_before_anybody_else() {
    let half_open = HalfOpen::new(4, 4);
    let of = |text: &str| Some(text.parse().unwrap());
    let others = [half_open.enter(ip(1)).unwrap(), half_open.enter(of("2001:db8:9::1")).unwrap()];
    let site = ["2001:db8:1:1::1", "2001:db8:1:2::1"].map(|text| half_open.enter(of(text)).unwrap());
    let _newcomer = half_open.enter(ip(2)).unwrap();
    assert_eq!(site.each_ref().map(is_given_up), [true, false]);
    assert!(others.iter().all(|place| !is_given_up(place)));
    drop((others, site, _newcomer));
    assert!(half_open.places.lock().by_site.is_empty());
}

#[test]
fn where_newcomers_always_have_a_place_the_oldest_gives_way() {
    let half_open = HalfOpen::new(3, 2);
    let enter = |last| half_open.enter_for_oldest(ip(last));
    let (first, second) = (enter(1), enter(1));
    assert!(first.1.is_none() && second.1.is_none());
    let third = enter(1);
    assert_eq!(third.1, Some(Crowded::Address(2)));
    assert!(is_given_up(&first.0) && !is_given_up(&second.0));
    let (other, another) = (enter(2), enter(3));
    assert_eq!((other.1, another.1), (None, Some(Crowded::All(3))));
    assert!(is_given_up(&second.0), "whoever has two has more than whoever has none");
    let last = enter(4);
    assert!(is_given_up(&third.0) && !is_given_up(&other.0), "all have one, and this is the oldest");
    drop((first, second, third));
    assert_eq!(half_open.places.lock().count, 3);
    drop((other, another, last));
    assert_eq!(half_open.places.lock().count, 0);
}

#[test]
fn an_address_counts_once_it_is_known() {
    let half_open = HalfOpen::new(8, 1);
    let mut places: Vec<_> = (0..3).map(|_| half_open.enter(None).unwrap()).collect();
    places[0].set_address(ip(1).unwrap()).unwrap();
    assert_eq!(half_open.enter(ip(1)).unwrap_err(), Crowded::Address(1));
    assert_eq!(places[1].set_address(ip(1).unwrap()), Err(Crowded::Address(1)));
    assert_eq!(half_open.places.lock().count, 2);
    places[2].set_address(ip(2).unwrap()).unwrap();
    places[2].set_address(ip(3).unwrap()).unwrap();
    half_open.enter(ip(2)).unwrap();
    drop(places);
    assert_eq!(half_open.places.lock().count, 0);
}
