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
        SqlError::Io(_)
        | SqlError::Tls(_)
        | SqlError::Protocol(_)
        | SqlError::PoolTimedOut
        | SqlError::WorkerCrashed => true,
        SqlError::Database(error) => error.code().is_none_or(|code| !is_permanent_state(&code)),
        // foreign and marked non-exhaustive: what is not known to pass does not
        _ => false,
    }
}

/// What the same statement meets again: values that are refused, limits of the program, no such database, no right, no table.
/// Everything else passes, be it only when an operator has seen to it.
fn is_permanent_state(code: &str) -> bool {
    ["0A", "21", "22", "23", "28", "3D", "3F", "42", "54"]
        .iter()
        .any(|class| code.starts_with(class))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_that_pass_are_told_from_those_that_stay() {
        let temporary = [
            "08006", "08000", "08P01", "40001", "40P01", "53300", "57014", "57P01", "57P02",
            "57P03", "55P03", "25006", "XX000",
        ];
        let permanent = [
            "23505", "28P01", "28000", "3D000", "42P01", "42501", "22P02", "54000",
        ];
        assert!(!temporary.iter().any(|code| is_permanent_state(code)));
        assert!(permanent.iter().all(|code| is_permanent_state(code)));
    }

    #[test]
    fn a_lost_connection_passes_and_a_closed_pool_stays() {
        let lost = SqlError::Io(std::io::ErrorKind::ConnectionReset.into());
        assert!(broker_error("take".into(), lost).is_retryable());
        let unreadable = SqlError::Protocol("unexpected message".into());
        assert!(broker_error("take".into(), unreadable).is_retryable());
        let refused = SqlError::Tls("the certificate has expired".into());
        assert!(broker_error("take".into(), refused).is_retryable());
        assert!(!broker_error("take".into(), SqlError::PoolClosed).is_retryable());
    }
}
