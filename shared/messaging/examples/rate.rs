use std::{sync::{Arc, atomic::{AtomicUsize, Ordering}}, time::{Duration, Instant}};
use messaging::{*, pgqueue::PgQueue};
#[tokio::main]
async fn main() {
    let url = std::env::var("RATE_URL").unwrap();
    for (consumers, concurrency) in [(1, 1), (1, 8), (3, 1), (3, 8), (8, 1)] {
        let queue = PgQueue::connect(&url, 16).await.unwrap();
        let n = 5000;
        let begun = Instant::now();
        for _ in 0..(n / 100) { queue.publish("rate", (0..100).map(|i| Message::new(vec![0u8; 2000 + i])).collect()).await.unwrap(); }
        let published = begun.elapsed();
        let (done, stop) = (Arc::new(AtomicUsize::new(0)), CancellationToken::new());
        let begun = Instant::now();
        let mut all = Vec::new();
        for _ in 0..consumers {
            let (queue, done, stop) = (PgQueue::connect(&url, 8).await.unwrap(), done.clone(), stop.clone());
            let stop2 = stop.clone();
            let handler = move |_: Delivery| { if done.fetch_add(1, Ordering::Relaxed) + 1 == n { stop2.cancel(); } async { Outcome::Ack } };
            let options = ConsumeOptions { concurrency, ..Default::default() };
            all.push(tokio::spawn(async move { queue.consume("rate", &options, Arc::new(handler), stop).await }));
        }
        for a in all { a.await.unwrap().unwrap(); }
        let took = begun.elapsed();
        println!("{consumers} consumers x {concurrency}: publish {:.0}/s, consume {:.0}/s", n as f64 / published.as_secs_f64(), n as f64 / took.as_secs_f64());
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}
