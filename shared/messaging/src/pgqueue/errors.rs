use sqlx::Error as SqlError;

use crate::Error;

/// Sorts a failure of the database into one that passes and one that stays.
pub(super) fn broker_error(operation: String, source: SqlError) -> Error {
    let temporary = is_temporary(&source);
    let source = Box::new(source);
    if temporary {
        Error::Unavailable { operation, source }
    } else {
        Error::Failed { operation, source }
    }
}

fn is_temporary(error: &SqlError) -> bool {
    match error {
        SqlError::Io(_) | SqlError::PoolTimedOut | SqlError::WorkerCrashed => true,
        SqlError::Database(error) => error.code().is_some_and(|code| is_temporary_state(&code)),
        // foreign and marked non-exhaustive: what is not known to pass does not
        _ => false,
    }
}

/// Connection failures, rolled-back transactions, missing resources, shutdowns and lock timeouts.
fn is_temporary_state(code: &str) -> bool {
    ["08", "40", "53", "57P0", "55P03"]
        .iter()
        .any(|prefix| code.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_that_pass_are_told_from_those_that_stay() {
        let temporary = [
            "08006", "08000", "40001", "40P01", "53300", "57P01", "57P02", "57P03", "55P03",
        ];
        let permanent = ["23505", "42P01", "42501", "57014", "22P02"];
        assert!(temporary.iter().all(|code| is_temporary_state(code)));
        assert!(!permanent.iter().any(|code| is_temporary_state(code)));
    }

    #[test]
    fn a_lost_connection_passes_and_a_closed_pool_stays() {
        let lost = SqlError::Io(std::io::ErrorKind::ConnectionReset.into());
        assert!(broker_error("take".into(), lost).is_retryable());
        assert!(!broker_error("take".into(), SqlError::PoolClosed).is_retryable());
    }
}
