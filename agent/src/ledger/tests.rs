use super::*;
use metal::network::SecurityGroupSpec;

fn wanted(id: &str, revision: i64, name: Option<&str>) -> Wanted {
    let spec = |name: &str| {
        Spec::SecurityGroup(SecurityGroupSpec { name: name.to_owned(), stateful: true, rules: Vec::new() })
    };
    Wanted {
        format: Wanted::FORMAT,
        kind: Kind::SecurityGroup,
        id: id.to_owned(),
        timeline: 1,
        incarnation: 1,
        revision,
        spec: name.map(spec),
    }
}

fn open(dir: &Path) -> Ledger {
    Ledger::open_all(dir, &[""], Writing::OnThread).unwrap().remove(0)
}

fn key(id: &str) -> Key {
    (Kind::SecurityGroup, id.to_owned())
}

#[tokio::test]
async fn it_fences() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path());
    assert_eq!(ledger.ensure(wanted("a", 2, Some("x"))).await, Ok(Ensured::Accepted));
    assert_eq!(ledger.ensure(wanted("a", 2, Some("x"))).await, Ok(Ensured::Same));
    assert_eq!(ledger.ensure(wanted("a", 2, Some("y"))).await, Err(HostError::Conflict));
    assert_eq!(ledger.ensure(wanted("a", 1, Some("x"))).await, Err(HostError::Stale { held: (1, 1, 2) }));
    assert_eq!(ledger.ensure(wanted("a", 3, None)).await, Ok(Ensured::Accepted));
    assert_eq!(ledger.ensure(wanted("a", 2, Some("x"))).await, Err(HostError::Stale { held: (1, 1, 3) }));
    let later = Wanted { timeline: 2, ..wanted("a", 1, Some("x")) };
    assert_eq!(ledger.ensure(later).await, Ok(Ensured::Accepted));
}

#[tokio::test]
async fn it_is_there_after_a_restart_and_tombstones_are_too() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path());
    for (id, name) in [("a", Some("x")), ("b", None), ("c", Some("x"))] {
        ledger.ensure(wanted(id, 1, name)).await.unwrap();
    }
    ledger.note(&key("a"), |note| note.reboots = 7).await.unwrap();
    ledger.forget(&key("c"), (1, 1, 1)).await.unwrap();
    ledger.forget(&key("a"), (1, 1, 9)).await.unwrap();
    for _ in 0..2 {
        let ledger = open(dir.path());
        assert_eq!(ledger.keys(), [key("a"), key("b")]);
        assert_eq!(ledger.entry(&key("a")).unwrap().note.reboots, 7);
        assert!(ledger.entry(&key("b")).unwrap().is_tombstone());
        assert_eq!(ledger.ensure(wanted("a", 1, Some("x"))).await, Ok(Ensured::Same));
    }
}

#[tokio::test]
async fn a_torn_end_and_a_damaged_line_lose_only_themselves() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ledger");
    let ledger = open(dir.path());
    for id in ["a", "b", "c"] {
        ledger.ensure(wanted(id, 1, Some("x"))).await.unwrap();
    }
    drop(ledger);
    let whole = std::fs::read(&path).unwrap();
    let lines: Vec<_> = whole.split_inclusive(|byte| *byte == b'\n').collect();
    for cut in 0..=whole.len() {
        std::fs::write(&path, &whole[..cut]).unwrap();
        let ledger = open(dir.path());
        let all = lines.iter().scan(0, |at, line| Some((*at + line.len(), *at += line.len()).0));
        // A line without its end is whole already.
        let expected = all.filter(|end| *end <= cut + 1).count();
        assert_eq!(ledger.keys().len(), expected, "cut at {cut}");
        assert!(!dir.path().join("ledger.damaged").exists(), "cut at {cut}");
    }
    let mut damaged = whole.clone();
    damaged[lines[0].len() + 30] ^= 1;
    std::fs::write(&path, &damaged).unwrap();
    let ledger = open(dir.path());
    assert_eq!(ledger.keys(), [key("a"), key("c")]);
    assert_eq!(std::fs::read(dir.path().join("ledger.damaged")).unwrap(), damaged);
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_wishes_share_their_fsyncs_and_keep_their_order() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = Arc::new(open(dir.path()));
    let mut tasks = tokio::task::JoinSet::new();
    for id in 0..40 {
        for revision in 1..=25 {
            let ledger = ledger.clone();
            tasks.spawn(async move {
                match ledger.ensure(wanted(&id.to_string(), revision, Some("x"))).await {
                    Ok(_) | Err(HostError::Stale { .. }) => {}
                    Err(error) => panic!("{error}"),
                }
            });
        }
    }
    while let Some(done) = tasks.join_next().await {
        done.unwrap();
    }
    let ledger = open(dir.path());
    let lines = ledger.lines();
    assert_eq!(lines.len(), 40);
    assert!(lines.iter().all(|line| line.revision == 25));
}

#[tokio::test]
async fn it_is_rewritten_when_most_of_it_is_old() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path());
    ledger.ensure(wanted("a", 1, Some("x"))).await.unwrap();
    for reboots in 0..9000 {
        while ledger.note_later(&key("a"), |note| note.reboots = reboots).is_err() {
            tokio::task::yield_now().await;
        }
    }
    ledger.ensure(wanted("b", 1, Some("x"))).await.unwrap();
    // It answers before it rewrites; what comes next is answered after that.
    ledger.ensure(wanted("c", 1, Some("x"))).await.unwrap();
    let lines = std::fs::read_to_string(dir.path().join("ledger")).unwrap().lines().count();
    assert!(lines < 5000, "{lines}");
    assert_eq!(open(dir.path()).entry(&key("a")).unwrap().note.reboots, 8999);
}

#[tokio::test]
async fn several_hosts_keep_apart_in_one_file_and_can_be_put_back() {
    for writing in [Writing::OnThread, Writing::Here] {
        apart_in_one_file(writing).await;
        put_back(writing).await;
    }
}

async fn apart_in_one_file(writing: Writing) {
    let dir = tempfile::tempdir().unwrap();
    let ledgers = Ledger::open_all(dir.path(), &["x", "y"], writing).unwrap();
    ledgers[0].ensure(wanted("a", 2, Some("x"))).await.unwrap();
    ledgers[1].ensure(wanted("a", 1, Some("y"))).await.unwrap();
    ledgers[1].ensure(wanted("b", 1, Some("y"))).await.unwrap();
    drop(ledgers);
    // A host that has no agent this time loses nothing.
    drop(Ledger::open_all(dir.path(), &["z", "x"], writing).unwrap());
    let ledgers = Ledger::open_all(dir.path(), &["y", "x", "z"], writing).unwrap();
    let held: Vec<_> = ledgers.iter().map(Ledger::keys).collect();
    assert_eq!(held, [vec![key("a"), key("b")], vec![key("a")], vec![]]);
    assert_eq!(ledgers[1].ensure(wanted("a", 1, Some("x"))).await, Err(HostError::Stale { held: (1, 1, 2) }));
}

async fn put_back(writing: Writing) {
    let dir = tempfile::tempdir().unwrap();
    let ledgers = Ledger::open_all(dir.path(), &["x", "y"], writing).unwrap();
    ledgers[0].ensure(wanted("a", 1, Some("x"))).await.unwrap();
    ledgers[0].note(&key("a"), |note| note.reboots = 3).await.unwrap();
    let copy = ledgers[1].copy_all().await.unwrap();
    ledgers[0].ensure(wanted("a", 2, None)).await.unwrap();
    ledgers[1].ensure(wanted("b", 1, Some("y"))).await.unwrap();
    ledgers[0].put_back_all(copy).await.unwrap();
    for reopened in [None, Some(Ledger::open_all(dir.path(), &["x", "y"], writing).unwrap())] {
        let ledgers = reopened.as_ref().unwrap_or(&ledgers);
        assert_eq!((ledgers[0].keys(), ledgers[1].keys()), (vec![key("a")], vec![]));
        assert_eq!(ledgers[0].entry(&key("a")).unwrap().note.reboots, 3);
        assert_eq!(ledgers[0].ensure(wanted("a", 1, Some("x"))).await, Ok(Ensured::Same));
    }
}

#[tokio::test]
async fn hosts_that_are_away_keep_their_servers_only_when_asked_to() {
    for writing in [Writing::OnThread, Writing::Here] {
        let dir = tempfile::tempdir().unwrap();
        let ledgers = Ledger::open_all(dir.path(), &["x", "y"], writing).unwrap();
        let server = Wanted { kind: Kind::Server, ..wanted("s", 1, None) };
        for ledger in &ledgers {
            ledger.ensure(wanted("a", 1, Some("x"))).await.unwrap();
            ledger.ensure(server.clone()).await.unwrap();
        }
        let copy = ledgers[0].copy_all().await.unwrap();
        drop(ledgers);
        let here = Ledger::open_all(dir.path(), &["x"], writing).unwrap();
        here[0].put_back_all(copy).await.unwrap();
        here[0].clear_away().unwrap();
        here[0].ensure(wanted("b", 1, None)).await.unwrap();
        drop(here);
        let ledgers = Ledger::open_all(dir.path(), &["x", "y"], writing).unwrap();
        let held: Vec<_> = ledgers.iter().map(Ledger::keys).collect();
        let server = (Kind::Server, "s".to_owned());
        assert_eq!(held, [vec![key("a"), key("b"), server.clone()], vec![server]]);
    }
}

#[tokio::test]
async fn without_a_thread_what_was_promised_outlives_a_crash_and_nothing_else_does() {
    let dir = tempfile::tempdir().unwrap();
    let open = || Ledger::open_all(dir.path(), &["x"], Writing::Here).unwrap().remove(0);
    let ledger = open();
    ledger.ensure(wanted("a", 1, Some("x"))).await.unwrap();
    ledger.note_later(&key("a"), |note| note.starts = 1).unwrap();
    ledger.note(&key("a"), |note| note.reboots = 3).await.unwrap();
    ledger.note_later(&key("a"), |note| note.starts = 2).unwrap();
    assert_eq!(ledger.entry(&key("a")).unwrap().note.starts, 2);
    drop(ledger);
    let note = open().entry(&key("a")).unwrap().note;
    assert_eq!((note.starts, note.reboots), (1, 3));
}

#[test]
fn what_is_used_stays_known_until_it_is_let_go() {
    let port = |id: &str| metal::server::ServerPort {
        port_id: id.to_owned(),
        network_id: "n".to_owned(),
        mac: String::new(),
        addresses: Vec::new(),
        mtu: 1500,
    };
    let mut held = Held::default();
    let server = |revision, ports: &[&str], live: bool| Wanted {
        kind: Kind::Server,
        spec: live.then(|| {
            let mut spec = crate::converge::sample_server();
            spec.ports = ports.iter().map(|id| port(id)).collect();
            Spec::Server(Box::new(spec))
        }),
        ..wanted("s", revision, None)
    };
    let used = |held: &Held, id: &str| held.users.contains_key(&(Kind::Port, id.to_owned()));
    held.put(Arc::new(server(1, &["p", "q"], true)), "1".into());
    held.put(Arc::new(server(2, &["q"], true)), "2".into());
    assert!(used(&held, "p") && used(&held, "q"));
    held.set_refs(&(Kind::Server, "s".to_owned()), vec![(Kind::Port, "q".to_owned())]);
    assert!(!used(&held, "p") && used(&held, "q"));
    held.put(Arc::new(server(3, &[], false)), "3".into());
    assert!(used(&held, "q"));
    held.remove(&(Kind::Server, "s".to_owned()));
    assert!(held.users.is_empty());
}
