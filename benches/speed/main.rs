//! Speed and size, each figure beside its limit. `cargo bench --bench speed`, on an idle machine; `-- --only tokens` for
//! some of it alone (`discovery`, `tokens`, `logins`, `start`, `run`).
//!
//! What is measured and its limit take turns, so that what else the machine does falls on both. A limit is a program that
//! does nothing but what cannot be left out: a bare hyper server, and one that only signs.

mod against;
mod bare;
mod load;
mod login;
mod process;

use std::net::{Ipv4Addr, SocketAddr};
use std::process::{Command, ExitCode};
use std::sync::Arc;
use std::time::{Duration, Instant};

use countersign::harness::run::{RunRequest, SubjectSpec, run};
use countersign::harness::suite::{Additions, Suite};
use countersign::model::persona::Person;
use countersign::model::verdict::Tier;
use countersign::provider::{ClientRegistration, Provider, ProviderConfig};
use countersign::reference::Base;

const PROGRAM: &str = env!("CARGO_BIN_EXE_countersign");
/// How long each throughput is measured, in all.
const TIME: Duration = Duration::from_secs(3);
/// In so many turns.
const TURNS: u32 = 6;
/// Starts of each program.
const STARTS: u32 = 21;
const CONNECTIONS: usize = 8;
const ANY: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    let after = |option: &str| arguments.iter().position(|own| own == option).and_then(|at| arguments.get(at + 1));
    if let Some(other) = after("--against") {
        return against::compare(PROGRAM, other);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("threads can be started");
    if let Some(port) = after("--bare") {
        // The limit of a cold start: this very program as a bare server.
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port.parse().expect("a port")));
        runtime.block_on(async {
            bare::serve(address, bare::Work::Constant("{}".into())).await.expect("the port is free");
            std::future::pending::<()>().await;
        });
    }
    println!("{:<44} {:>12} {:>12} {:>8}   target", "what", "measured", "limit", "ratio");
    let only = after("--only").map(String::as_str);
    let parts: [(&str, &dyn Fn()); 5] = [
        ("discovery", &|| runtime.block_on(discovery())),
        ("tokens", &|| runtime.block_on(tokens())),
        ("logins", &|| runtime.block_on(logins())),
        ("start", &starts),
        ("run", &|| whole_run(&runtime)),
    ];
    if only.is_some_and(|only| parts.iter().all(|(name, _)| *name != only)) {
        eprintln!("--only takes one of {}", parts.map(|(name, _)| name).join(", "));
        return ExitCode::FAILURE;
    }
    parts.iter().filter(|(name, _)| only.is_none_or(|only| only == *name)).for_each(|(_, part)| part());
    ExitCode::SUCCESS
}

fn line(what: &str, measured: String, limit: String, ratio: Option<f64>, target: &str) {
    let ratio = ratio.map_or(String::new(), |ratio| format!("{:.0} %", ratio * 100.0));
    println!("{what:<44} {measured:>12} {limit:>12} {ratio:>8}   {target}");
}

fn per_second(what: &str, own: f64, limit: f64, target: &str) {
    line(what, format!("{own:.0}/s"), format!("{limit:.0}/s"), Some(own / limit), target);
}

async fn provider(alg: &str) -> (Provider, Person) {
    let suite = Suite::load(&Additions::default()).expect("the embedded suite can be read");
    let dialect = suite.dialect("oidc").expect("the dialect is embedded");
    let person = Person::mint(&dialect.personas[0], "alice", 1, "bench", None, None);
    let config = ProviderConfig {
        clients: vec![ClientRegistration {
            id: "bench".to_owned(),
            secret: Some("secret".to_owned()),
            auth: "client_secret_post".to_owned(),
            redirect_uris: vec![login::CALLBACK.to_owned()],
            id_token_alg: Some(alg.to_owned()),
            ..ClientRegistration::default()
        }],
        people: vec![person.clone()],
        ..ProviderConfig::new(dialect)
    };
    (Provider::start(config).await.expect("loopback has a free port"), person)
}

/// Answers per second of a server and of its limit. The load comes from threads of its own; the servers run in the
/// runtime's.
async fn by_turns(own: SocketAddr, limit: SocketAddr, request: Vec<u8>) -> (f64, f64) {
    let turns = move || {
        let (mut sums, share) = ([0.0; 2], TIME / TURNS);
        for turn in 0..TURNS as usize * 2 {
            let which = (turn + turn / 2) % 2;
            sums[which] += load::per_second([own, limit][which], &request, CONNECTIONS, share);
        }
        sums.map(|sum| sum / f64::from(TURNS))
    };
    let [own, limit] = tokio::task::spawn_blocking(turns).await.expect("the load ran");
    (own, limit)
}

async fn discovery() {
    let (server, _) = provider("RS256").await;
    let asked = load::request("GET", "/.well-known/openid-configuration", &[], "");
    let document = load::Connection::open(server.address())
        .and_then(|mut connection| connection.ask(&asked))
        .expect("discovery answers");
    let constant = bare::serve(ANY, bare::Work::Constant(document.body.into())).await.expect("a free port");
    let (own, limit) = by_turns(server.address(), constant, asked).await;
    per_second("discovery", own, limit, ">= 75 % of bare hyper");
}

async fn tokens() {
    let body = "grant_type=client_credentials&client_id=bench&client_secret=secret";
    let asked = load::request("POST", "/token", &[], body);
    for (alg, work, target) in [
        ("RS256", bare::Work::rs256(), ">= 85 % of bare signing"),
        ("ES256", bare::Work::es256(), ">= 60 % of bare signing"),
    ] {
        let (server, _) = provider(alg).await;
        let signing = bare::serve(ANY, work).await.expect("a free port");
        let (own, limit) = by_turns(server.address(), signing, asked.clone()).await;
        per_second(&format!("client_credentials, {alg}"), own, limit, target);
    }
}

async fn logins() {
    for (alg, target) in [("RS256", ">= 1000/s"), ("ES256", ">= 1500/s")] {
        let (server, person) = provider(alg).await;
        let address = server.address();
        let one =
            tokio::task::spawn_blocking(move || login::per_second(address, &person, TIME)).await.expect("logins ran");
        line(
            &format!("code-flow logins one after the other, {alg}"),
            format!("{one:.0}/s"),
            String::new(),
            None,
            target,
        );
    }
}

fn starts() {
    let this = std::env::current_exe().expect("a program knows itself");
    let serve = |port: u16| {
        let mut command = Command::new(PROGRAM);
        command.args(["serve", "--port", &port.to_string()]);
        command
    };
    let bare = |port: u16| {
        let mut command = Command::new(&this);
        command.args(["--bare", &port.to_string()]);
        command
    };
    let mut all = [Vec::new(), Vec::new()];
    for _ in 0..STARTS {
        all[0].push(process::cold_start(serve, "/.well-known/openid-configuration"));
        all[1].push(process::cold_start(bare, "/.well-known/openid-configuration"));
    }
    let [(own, own_size), (limit, limit_size)] = all.map(|all| {
        let time = process::median(all.iter().map(|(time, _)| *time).collect());
        (time, process::median(all.iter().map(|(_, size)| *size).collect()))
    });
    let ms = |time: Duration| format!("{:.1} ms", time.as_secs_f64() * 1000.0);
    let mb = |kilobytes: u64| format!("{:.1} MB", kilobytes as f64 / 1024.0);
    line("serve: exec to first discovery answer", ms(own), ms(limit), None, "<= 5 ms");
    line("serve: resident after start", mb(own_size), mb(limit_size), None, "<= 12 MB");
}

fn whole_run(runtime: &tokio::runtime::Runtime) {
    let suite = Arc::new(Suite::load(&Additions::default()).expect("the embedded suite can be read"));
    let once = |filter: Vec<String>| {
        let request = RunRequest {
            tier: Some(Tier::Strict),
            jobs: Some(4),
            seed: Some(1),
            filter,
            ..RunRequest::new(Arc::clone(&suite), SubjectSpec::reference(Base::Full, "oidc"))
        };
        let begin = Instant::now();
        let report = runtime.block_on(async {
            let (events, _nobody) = tokio::sync::mpsc::unbounded_channel();
            run(request, events).await
        });
        assert_eq!(report.totals.fail + report.totals.inconclusive, 0, "{:?}", report.findings);
        (begin.elapsed(), report.totals.all())
    };
    let waiting = "resilience/token-timeout";
    let without: Vec<String> = suite.cases.iter().map(|case| case.id.clone()).filter(|id| id != waiting).collect();
    let (time, cases) = (0..3).map(|_| once(without.clone())).min().expect("three runs");
    line(
        &format!("{cases} cases with controls"),
        format!("{:.2} s", time.as_secs_f64()),
        String::new(),
        None,
        "every tier, in one process",
    );
    let attempts = 64;
    let begin = Instant::now();
    for _ in 0..attempts {
        once(vec!["login/happy".to_owned()]);
    }
    // Each such run starts provider and partner, checks them, plays the case and proves recovery: four logins.
    let each = begin.elapsed() / (attempts * 4);
    line(
        "one login of a whole run, start included",
        format!("{:.1} ms", each.as_secs_f64() * 1000.0),
        String::new(),
        None,
        "<= 10 ms CPU an attempt",
    );
    // As a user runs it, from exec to the last line.
    let basic = || {
        let mut command = Command::new(PROGRAM);
        command.args(["run", "--tier", "basic", "--base", "full"]);
        let (wall, peak, code) = process::to_the_end(command);
        assert_eq!(code, Some(0), "the reference partner passes");
        (wall, peak)
    };
    let runs: Vec<(Duration, u64)> = (0..5).map(|_| basic()).collect();
    let wall = process::median(runs.iter().map(|(wall, _)| *wall).collect());
    let peak = process::median(runs.iter().map(|(_, peak)| *peak).collect());
    line("run --tier basic, the whole process", format!("{:.2} s", wall.as_secs_f64()), String::new(), None, "< 1 s");
    line("run --tier basic, peak", format!("{:.1} MB", peak as f64 / 1024.0), String::new(), None, "< 25 MB");
}
