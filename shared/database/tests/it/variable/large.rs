//! Variables with long texts and many instances: neither is repeated nor held at once.

use crate::{
    database,
    fixtures::{map, new_variable},
};
use database::{Page, PgConnection, Piecewise, instance, variable};
use domain::{NewVariable, Variable, VariableId};

/// A variable that is older than the bounds, with instances of so many bytes of notes.
async fn stored(
    conn: &mut PgConnection,
    name: &str,
    description: usize,
    instances: i32,
    notes: i32,
) -> VariableId {
    let given = NewVariable {
        description: "d".repeat(description),
        ..new_variable(name)
    };
    let id = variable::create(conn, &given).await.unwrap();
    sqlx::query(
        "INSERT INTO geocube.variable_instances (id, name, metadata, definition_id)
         SELECT gen_random_uuid(), lpad(n::text, 4, '0'), hstore('k', repeat('v', $2)), $3
         FROM generate_series(1, $1) n",
    )
    .bind(instances)
    .bind(notes)
    .bind(id.uuid())
    .execute(conn)
    .await
    .unwrap();
    id
}

/// The most memory that this process ever had, in MB.
fn most_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.unwrap().trim().strip_suffix(" kB").unwrap();
    kilobytes.parse::<u64>().unwrap() / 1024
}

async fn pieces(conn: &mut PgConnection, page: Page) -> Vec<Vec<Variable>> {
    let mut listing = variable::Listing::new(None, page);
    let mut pieces = Vec::new();
    while !listing.is_over() {
        let piece = listing.next(conn).await.unwrap();
        if piece.is_empty() {
            break;
        }
        pieces.push(piece);
    }
    pieces
}

#[tokio::test]
async fn a_long_description_is_read_once_for_all_instances() {
    if std::env::var_os("NEXTEST").is_none() {
        eprintln!("skipped: needs a process of its own, as cargo nextest gives it");
        return;
    }
    let test = database!();
    let mut conn = test.db.read().await.unwrap();
    let id = stored(&mut conn, "v", 3_900_000, 300, 1).await;
    let before = most_memory();
    let found = variable::get(&mut conn, id).await.unwrap();
    assert_eq!(found.instances.len(), 300);
    assert_eq!(found.instances[41].name, "0042");
    assert_eq!(variable::get_by_name(&mut conn, "v").await.unwrap(), found);
    let listed = pieces(&mut conn, Page::default()).await.concat();
    assert_eq!(listed, [found]);
    // 1170 MB if it came with each of them
    let grown = most_memory() - before;
    assert!(grown < 200, "{grown} MB");
}

#[tokio::test]
async fn lists_of_large_variables_come_in_small_pieces_and_miss_none() {
    let test = database!();
    let mut conn = test.db.write().await.unwrap();
    let mut expected = Vec::new();
    for number in 0..12 {
        let name = format!("v{number:02}");
        // long texts, many notes, and neither
        let (description, instances) = [(1_500_000, 1), (0, 40), (0, 0)][number % 3];
        stored(&mut conn, &name, description, instances, 60_000).await;
        expected.push((name, instances as usize));
    }
    for (page, from, to) in [
        (Page::default(), 0, 12),
        (Page { page: 0, limit: 5 }, 0, 5),
        (Page { page: 1, limit: 5 }, 5, 10),
        (Page { page: 2, limit: 5 }, 10, 12),
    ] {
        let pieces = pieces(&mut conn, page).await;
        let bytes = |variable: &Variable| {
            variable.definition.description.len() + variable.instances.len() * 60_000
        };
        for piece in &pieces {
            let bytes: usize = piece.iter().map(bytes).sum();
            assert!(
                bytes < 12 << 20,
                "{} variables of {bytes} bytes",
                piece.len()
            );
        }
        let found: Vec<_> = pieces
            .concat()
            .into_iter()
            .map(|variable| (variable.definition.name, variable.instances.len()))
            .collect();
        assert_eq!(found, expected[from..to], "{page:?}");
    }
    let whole = pieces(&mut conn, Page::default()).await;
    assert!((3..12).contains(&whole.len()), "{} pieces", whole.len());
}

#[tokio::test]
async fn names_and_membership_of_instances_are_told_without_reading_them() {
    let test = database!();
    let mut conn = test.db.read().await.unwrap();
    let id = stored(&mut conn, "v", 1, 2, 1).await;
    let other = stored(&mut conn, "w", 1, 0, 1).await;
    let stranger = instance::create(&mut conn, other, "only-w", &map(&[]))
        .await
        .unwrap();
    for (name, owner) in [("0001", Some("v")), ("0003", None), ("only-w", None)] {
        let found = instance::owner_of_name(&mut conn, id, name).await.unwrap();
        assert_eq!(found.as_deref(), owner, "{name}");
    }
    let own: Vec<_> = variable::get(&mut conn, id).await.unwrap().instances;
    let own: Vec<_> = own.into_iter().map(|instance| instance.id).collect();
    let found = instance::first_stranger(&mut conn, id, &own).await.unwrap();
    assert_eq!(found, None);
    let with = [own[0], stranger, own[1]];
    let found = instance::first_stranger(&mut conn, id, &with)
        .await
        .unwrap();
    assert_eq!(found, Some(stranger));
}
