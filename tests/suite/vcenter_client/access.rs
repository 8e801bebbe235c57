//! What keeps a client out, and what it does about it.

use std::sync::Arc;

use failback::clock::Clock;
use failback::clock::pace::Pace;
use failback::provider::Freshness;
use failback::provider::azure::Onprem;
use failback::provider::azure::Wanted;
use failback::provider::emulator::http::Certificate;
use failback::provider::emulator::http::ServerOptions;
use failback::provider::emulator::http::WireFault;
use failback::provider::emulator::http::WireFaultKind;
use failback::provider::emulator::http::WireFaults;
use failback::provider::vcenter::Settings;
use failback::provider::vcenter::Thumbprint;
use failback::provider::vcenter::Trust;
use failback::provider::vcenter::VcenterClient;
use failback::provider::vcenter::VcenterError;
use failback::provider::vcenter::Vcenters;

use crate::vcenter_client::Site;
use crate::vcenter_client::example;

#[tokio::test]
async fn a_restart_of_vcenter_is_not_noticed() {
    let site = Site::of(&example("branch-office.inventory.yaml")).await;
    let client = Arc::new(site.connect("gmh-vc1").await);
    site.server.end_vcenter_sessions();
    // Several callers at once share the login that is needed.
    let before = site.server.counts().values().sum::<u64>();
    let looks: Vec<_> = (0..4)
        .map(|_| {
            let client = Arc::clone(&client);
            tokio::spawn(async move { client.inventory().await.unwrap().vms.len() })
        })
        .collect();
    for look in looks {
        assert_eq!(look.await.unwrap(), 6);
    }
    let asked = site.server.counts().values().sum::<u64>() - before;
    assert!((14..=21).contains(&asked), "one login, up to four refusals, three requests for each: {asked}");
    client.log_out().await;
    assert_eq!(client.inventory().await.unwrap().vms.len(), 6);
}

#[tokio::test]
async fn what_keeps_a_client_out_is_told_apart() {
    let site = Site::of(&example("branch-office.inventory.yaml")).await;
    let settings = || site.settings("gmh-vc1");
    let wrong = Settings { password: "geheim".into(), ..settings() };
    let error = site.try_to_connect(wrong).await.unwrap_err();
    assert!(matches!(error, VcenterError::Credentials { .. }), "{error}");
    assert!(!format!("{error} {error:?}").contains("geheim"));
    let elsewhere = Settings { url: format!("{}/metadata/endpoints", site.server.url()), ..settings() };
    let error = site.try_to_connect(elsewhere).await.unwrap_err();
    assert!(matches!(error, VcenterError::NotAVcenter { .. }), "{error}");
    let gone = settings();
    drop(site);
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let nobody = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let clock = Arc::new(failback::clock::FixedClock(jiff::Timestamp::UNIX_EPOCH));
    let error = VcenterClient::connect(Settings { url: nobody, ..gone }, clock).await.unwrap_err();
    assert!(matches!(error, VcenterError::Unreachable { .. }), "{error}");
}

#[tokio::test]
async fn a_vcenter_that_is_out_of_reach_gives_no_answer() {
    let text = example("branch-office.inventory.yaml").replace("reachable: true", "reachable: false");
    let site = Site::of(&text).await;
    let error = site.try_to_connect(site.settings("gmh-vc1")).await.unwrap_err();
    assert!(error.is_transient(), "{error}");
}

#[tokio::test]
async fn a_certificate_of_its_own_is_trusted_when_it_is_named() {
    let certificate = Some(Certificate::SelfMade { names: vec!["127.0.0.1".into()] });
    let options = ServerOptions { certificate, ..ServerOptions::default() };
    let site = Site::with(&example("branch-office.inventory.yaml"), options).await;
    let authority = site.server.authority().expect("it made its own").as_bytes().to_vec();
    let settings = |trust| Settings { trust, ..site.settings("gmh-vc1") };
    site.try_to_connect(settings(Trust::Authorities(authority))).await.unwrap();
    let wrong = Trust::Pinned(Thumbprint::parse(&"ab".repeat(32)).unwrap());
    let error = site.try_to_connect(settings(wrong)).await.unwrap_err();
    let VcenterError::Tls { thumbprint: Some(thumbprint), .. } = &error else { panic!("{error}") };
    let pinned = Trust::Pinned(Thumbprint::parse(thumbprint).unwrap());
    site.try_to_connect(settings(pinned)).await.unwrap();
    let error = site.try_to_connect(settings(Trust::Authorities(b"nothing".to_vec()))).await.unwrap_err();
    assert!(matches!(error, VcenterError::Settings { .. }), "{error}");
}

#[tokio::test]
async fn answers_that_are_lost_for_a_moment_leave_nothing_unknown() {
    let lost = |kind| WireFault::always(kind).on("POST sdk").times(3);
    let faults =
        vec![lost(WireFaultKind::ResetBefore), lost(WireFaultKind::Truncated), lost(WireFaultKind::Error)];
    let options = ServerOptions { wire_faults: WireFaults { seed: 0, faults }, ..ServerOptions::default() };
    let site = Site::with(&example("branch-office.inventory.yaml"), options).await;
    let pace = Arc::clone(&site.pace) as Arc<dyn Pace>;
    let vcenters = Vcenters::new(vec![site.settings("gmh-vc1")], site.world(), pace);
    let began = site.pace.now();
    let wanted = Wanted { machines: Vec::new(), servers: vec!["gmh-ra01".into()] };
    let told = vcenters.look(&wanted, Freshness::Now).await.expect("it answers in the end");
    assert_eq!(told.missing.len(), 0, "{:?}", told.missing);
    assert!(site.pace.now() > began, "it was waited between two tries");
    let host = told.facts.appliances.into_iter().flatten().next().and_then(|appliance| appliance.host);
    assert!(host.is_some());
}
