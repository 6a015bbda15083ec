use breaker_runtime::{BreakerError, circuit_breaker};

#[circuit_breaker(fallback = last_good(max_age = "5m"))]
fn price(sku: &str) -> Result<usize, BreakerError> {
    Ok(sku.len())
}

#[circuit_breaker(key = region, fallback = last_good(max_age = "5m"))]
fn stock(region: &str, (sku, _): (&str, u32)) -> Result<usize, BreakerError> {
    Ok(region.len() + sku.len())
}

#[circuit_breaker(fallback = last_good(max_age = "5m"))]
fn unused(_: u32) -> Result<usize, BreakerError> {
    Ok(1)
}

#[circuit_breaker(fallback = last_good(max_age = "5m"))]
fn generic<T: Default>() -> Result<usize, BreakerError> {
    Ok(size_of::<T>())
}

#[circuit_breaker(fallback = last_good(max_age = "5m"))]
fn constant<const N: usize>() -> Result<usize, BreakerError> {
    Ok(N)
}

#[circuit_breaker(key = host_of(url), fallback = last_good(max_age = "5m"))]
fn page(url: &str) -> Result<String, BreakerError> {
    Ok(url.to_owned())
}

fn host_of(url: &str) -> &str {
    url.split('/').nth(2).unwrap_or("")
}

struct Request {
    host: String,
    user: u32,
}

#[circuit_breaker(key = request.host, fallback = last_good(max_age = "5m"))]
fn account(request: &Request) -> Result<u32, BreakerError> {
    Ok(request.user)
}

#[circuit_breaker(key = (host, port / 1000), fallback = last_good(max_age = "5m"))]
fn ping(host: &str, port: u32) -> Result<usize, BreakerError> {
    Ok(host.len() + port as usize)
}

#[circuit_breaker(key = host, fallback = last_good(max_age = "5m"))]
fn pair((host, _): (&str, u32)) -> Result<usize, BreakerError> {
    Ok(host.len())
}

#[circuit_breaker(key = (host, std::process::id()), fallback = last_good(max_age = "5m"))]
fn other(host: &str) -> Result<usize, BreakerError> {
    Ok(host.len())
}

fn main() {}
