//! The service.

use std::{
    convert::Infallible,
    fmt,
    sync::Arc,
    task::{Context, Poll},
};

use breaker_fleet::Fleet;
use breaker_layer::Registry;
use http::{
    HeaderName, HeaderValue, Method, Request, Response, StatusCode, header, request::Parts,
};
use serde_json::json;
use tokio::time::{MissedTickBehavior, interval};

use crate::{
    answer::{self, Answer},
    asset,
    body::Body,
    command::{Order, Target},
    fleet::{FleetNow, FleetWatch, Said},
    future::ResponseFuture,
    html::Query,
    listing::{Ask, Listing, Row},
    live::{Hub, Stream},
    origin::is_same_origin,
    page,
    query::Params,
    standing::Standing,
    watch::{BAR, Watch},
};

/// Says from a request who it is, or that it is nobody who may command.
type Gate = dyn Fn(&Parts) -> Option<String> + Send + Sync;

/// A page of every circuit in a [`Registry`], as a service for any HTTP server.
///
/// Clones are the same console. It answers whatever request it is given, and only the query says what is wanted, so it may be
/// mounted anywhere: all of its links are queries.
///
/// It is read-only until [`Console::commands`] is given. **It has no login**: whoever reaches it sees every name, key and note.
/// Put it on an internal port, or behind your own middleware.
///
/// ```
/// use breaker_console::Console;
/// use breaker_layer::{Circuit, Registry};
/// use http::{Request, StatusCode};
/// use tower::ServiceExt;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let registry = Registry::new();
/// let payments = Circuit::builder("payments").build()?;
/// registry.add(&payments)?;
///
/// let console = Console::new(&registry);
/// let request = Request::get("/breakers").body(String::new())?;
/// let page = console.oneshot(request).await?;
/// assert_eq!(page.status(), StatusCode::OK);
/// # Ok(())
/// # }
/// ```
///
/// With axum it is `Router::new().nest_service("/breakers", Console::new(&registry))`.
#[derive(Clone)]
pub struct Console {
    registry: Registry,
    watch: Arc<Watch>,
    pub(crate) hub: Arc<Hub>,
    gate: Option<Arc<Gate>>,
    fleet: Option<Arc<FleetWatch>>,
}

impl Console {
    /// A read-only page of this registry. It remembers transitions from now on. It needs Tokio's timer once it serves.
    pub fn new(registry: &Registry) -> Self {
        Self {
            registry: registry.clone(),
            watch: Watch::new(registry),
            hub: Arc::default(),
            gate: None,
            fleet: None,
        }
    }

    /// Shows what the process hears from its peers, too: see [in a fleet](crate#in-a-fleet).
    ///
    /// While somebody looks, the store is asked every other second how many have done which order. No page waits for that.
    ///
    /// ```
    /// use breaker_console::Console;
    /// use breaker_fleet::{Fleet, InMemory};
    /// use breaker_layer::Registry;
    ///
    /// let registry = Registry::new();
    /// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
    /// let (fleet, ticks) = Fleet::builder(&registry, InMemory::new()).zone("eu-1a").build().unwrap();
    /// tokio::spawn(ticks);
    /// let console = Console::new(&registry).fleet(&fleet);
    /// # });
    /// ```
    #[must_use]
    pub fn fleet(self, fleet: &Fleet) -> Self {
        Self {
            fleet: Some(FleetWatch::new(fleet)),
            ..self
        }
    }

    /// Lets those command of whom this says from the request who they are. What it says stands in the circuit's note.
    ///
    /// A command needs a reason, and comes from the console's own origin or from no browser. The gate is asked for every
    /// command, and for each page on which there would be some.
    ///
    /// ```
    /// use breaker_console::Console;
    /// use breaker_layer::{Circuit, Registry, State};
    /// use http::{Request, StatusCode};
    /// use tower::ServiceExt;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let registry = Registry::new();
    /// # let payments = Circuit::builder("payments").build()?;
    /// # registry.add(&payments)?;
    /// // A middleware before it has checked who it is, and says so in this header.
    /// let console = Console::new(&registry)
    ///     .commands(|request| Some(request.headers.get("x-user")?.to_str().ok()?.to_owned()));
    /// let command = Request::post("/?circuit=payments")
    ///     .header("x-user", "alice")
    ///     .header("accept", "application/json")
    ///     .body("command=isolate&reason=their+database+moves".to_owned())?;
    /// assert_eq!(console.oneshot(command).await?.status(), StatusCode::OK);
    /// assert_eq!(payments.state(), State::Isolated);
    /// assert_eq!(payments.snapshot().note.as_deref(), Some("alice: their database moves"));
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn commands(self, gate: impl Fn(&Parts) -> Option<String> + Send + Sync + 'static) -> Self {
        let gate: Arc<Gate> = Arc::new(gate);
        Self {
            gate: Some(gate),
            ..self
        }
    }

    /// Counts calls, failures and rejections for the pictures of the last minutes also while nobody looks. It never ends: spawn
    /// it. Without it they are filled while somebody looks.
    ///
    /// ```
    /// # use breaker_console::Console;
    /// # use breaker_layer::Registry;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let console = Console::new(&Registry::new());
    /// tokio::spawn(console.clone().keep_watch());
    /// # }
    /// ```
    pub async fn keep_watch(self) {
        let mut ticks = interval(BAR / 2);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            // The listing counts what it shows. Nobody looks, so the fleet is not asked.
            drop(Listing::of(
                &self.registry,
                &self.watch,
                None,
                &Ask::default(),
            ));
        }
    }

    pub(crate) fn listing(&self, ask: &Ask) -> Listing {
        let fleet = self.fleet.as_ref().map(FleetWatch::now);
        Listing::of(&self.registry, &self.watch, fleet, ask)
    }

    /// Answers at once, unless the body is to be read first: then by whom it comes.
    pub(crate) fn admit(&self, parts: &Parts) -> Result<String, Box<Answer>> {
        let is_read = parts.method == Method::GET || parts.method == Method::HEAD;
        if is_read {
            let mut answer = self.read(parts);
            if parts.method == Method::HEAD {
                answer.body_mut().withheld();
            }
            return Err(Box::new(answer));
        }
        // By method alone, before anything is looked at that the request names.
        let gate = match &self.gate {
            Some(gate) if parts.method == Method::POST => gate,
            gate => return Err(Box::new(not_allowed(gate.is_some()))),
        };
        if !is_same_origin(parts) {
            let why = "The command did not come from this console's own pages.";
            return Err(Box::new(refused(parts, StatusCode::FORBIDDEN, why)));
        }
        let Some(who) = gate(parts) else {
            let why = "You may not command here.";
            return Err(Box::new(refused(parts, StatusCode::FORBIDDEN, why)));
        };
        Ok(who)
    }

    fn may_command(&self, parts: &Parts) -> bool {
        self.gate.as_ref().is_some_and(|gate| gate(parts).is_some())
    }

    fn read(&self, parts: &Parts) -> Answer {
        let query = Params::of(parts.uri.query().unwrap_or_default().as_bytes());
        if let Some(name) = query.get("style") {
            return answer::asset(
                asset::STYLE.content,
                asset::STYLE.kind,
                name == asset::STYLE.name(),
            );
        }
        if let Some(name) = query.get("script") {
            return answer::asset(
                asset::SCRIPT.content,
                asset::SCRIPT.kind,
                name == asset::SCRIPT.name(),
            );
        }
        if let Some(word) = query.get("icon") {
            let icon = Standing::of_word(word).unwrap_or(Standing::Closed).icon();
            return answer::asset(icon, "image/svg+xml", false);
        }
        if query.has("events") {
            return self.events();
        }
        if query.has("circuit") || query.has("table") {
            return match Target::of(&self.registry, &query) {
                Some(target) => self.one(parts, &query, target),
                None => refused(parts, StatusCode::NOT_FOUND, NOT_FOUND),
            };
        }
        self.all(parts, &query)
    }

    fn all(&self, parts: &Parts, query: &Params) -> Answer {
        let page = query.get("page").and_then(|page| page.parse().ok());
        let ask = Ask {
            search: query.get("q").unwrap_or_default().to_owned(),
            page: page.map_or(0, |page: usize| page.saturating_sub(1)),
        };
        let listing = self.listing(&ask);
        if wants_json(parts) {
            return answer::json(StatusCode::OK, &as_json(&listing));
        }
        let is_steered = self.may_command(parts);
        answer::page(StatusCode::OK, page::list(&listing, &ask, is_steered))
    }

    fn one(&self, parts: &Parts, query: &Params, target: Target) -> Answer {
        let is_steered = self.may_command(parts);
        let (name, key, circuit) = match target {
            Target::Table(table) if wants_json(parts) => {
                let command = table.commanded().map(|circuit| circuit.snapshot());
                let about =
                    json!({ "table": table.name(), "len": table.len(), "command": command });
                return answer::json(StatusCode::OK, &about);
            }
            Target::Table(table) => {
                return answer::page(StatusCode::OK, page::table(&table, is_steered));
            }
            Target::Circuit { name, key, circuit } => (name, key, circuit),
        };
        let fleet = self.fleet.as_ref().map(FleetWatch::now);
        let said = fleet.map(|fleet| fleet.of(&name, key.as_deref(), &circuit));
        if wants_json(parts) {
            let snapshot = circuit.snapshot();
            let about = circuit_as_json(&name, key.as_deref(), &snapshot, said.as_ref());
            return answer::json(StatusCode::OK, &about);
        }
        let snapshot = circuit.snapshot();
        let id = self.watch.id(&name, query.get("key"));
        let row = Row {
            id,
            of_table: key.is_some(),
            name: name.into(),
            key: key.map(Into::into),
            standing: Standing::of(&snapshot),
            bars: self.watch.count(id, &snapshot),
            snapshot,
            said,
        };
        answer::page(
            StatusCode::OK,
            page::circuit(&row, &self.watch.past(id), is_steered),
        )
    }

    fn events(&self) -> Answer {
        let Some(place) = self.hub.place() else {
            let why = "As many streams as there may be are open.";
            let mut answer = answer::page(StatusCode::SERVICE_UNAVAILABLE, page::done_instead(why));
            let later = HeaderValue::from_static("5");
            answer.headers_mut().insert(header::RETRY_AFTER, later);
            return answer;
        };
        let stream = Stream::new(self.clone(), place);
        let mut answer = answer::of(StatusCode::OK, "text/event-stream", Body::stream(stream));
        // nginx holds back what it is not told to pass on at once.
        let buffering = HeaderName::from_static("x-accel-buffering");
        answer
            .headers_mut()
            .insert(buffering, HeaderValue::from_static("no"));
        answer
    }

    /// Does what the form says, or asks once more.
    pub(crate) fn order(&self, parts: &Parts, who: &str, form: &[u8]) -> Answer {
        let query = Params::of(parts.uri.query().unwrap_or_default().as_bytes());
        let Some(target) = Target::of(&self.registry, &query) else {
            return refused(parts, StatusCode::NOT_FOUND, NOT_FOUND);
        };
        let order = match Order::of(&Params::of(form)) {
            Ok(order) => order,
            Err(why) => return refused(parts, StatusCode::BAD_REQUEST, why),
        };
        // A browser's form cannot ask for JSON: who does is a script, and meant it.
        if order.act.is_confirmed() && !order.is_confirmed && !wants_json(parts) {
            return answer::page(StatusCode::OK, page::asked_again(&order, &target));
        }
        if let Err(why) = order.carry_out(&target, who) {
            return refused(parts, StatusCode::BAD_REQUEST, why);
        }
        let (name, key, is_table) = target.parts();
        if wants_json(parts) {
            let done = json!({ "done": order.act.name(), "for": order.span.map(|span| span.as_secs()), "circuit": name, "key": key, "by": who });
            return answer::json(StatusCode::OK, &done);
        }
        let location = match key {
            _ if is_table => Query(&[("table", name)]).to_string(),
            Some(key) => Query(&[("circuit", name), ("key", key)]).to_string(),
            None => Query(&[("circuit", name)]).to_string(),
        };
        answer::see_other(&location)
    }
}

const NOT_FOUND: &str = "There is no such circuit. A key with nothing against it has none.";

fn not_allowed(has_commands: bool) -> Answer {
    let why = "This console does not take commands.";
    let mut answer = answer::page(StatusCode::METHOD_NOT_ALLOWED, page::done_instead(why));
    let methods = if has_commands {
        "GET, HEAD, POST"
    } else {
        "GET, HEAD"
    };
    answer
        .headers_mut()
        .insert(header::ALLOW, HeaderValue::from_static(methods));
    answer
}

/// Says why nothing was done, to a person or to a script.
pub(crate) fn refused(parts: &Parts, status: StatusCode, why: &str) -> Answer {
    match wants_json(parts) {
        true => answer::json(status, &json!({ "error": why })),
        false => answer::page(status, page::done_instead(why)),
    }
}

fn wants_json(parts: &Parts) -> bool {
    let accepts = parts
        .headers
        .get(header::ACCEPT)
        .and_then(|accept| accept.to_str().ok());
    let query = parts.uri.query().unwrap_or_default();
    accepts.is_some_and(|accept| accept.starts_with("application/json"))
        || query.split('&').any(|part| part == "json")
}

fn as_json(listing: &Listing) -> serde_json::Value {
    let row = |row: &Row| {
        circuit_as_json(
            &row.name,
            row.key.as_deref(),
            &row.snapshot,
            row.said.as_ref(),
        )
    };
    let table = |table: &crate::listing::Table| json!({ "table": *table.name, "len": table.len, "looked_at": table.looked_at });
    json!({
        "worst": listing.worst().word(),
        "circuits": listing.rows().map(row).collect::<Vec<_>>(),
        "tables": listing.tables.iter().map(table).collect::<Vec<_>>(),
        "fleet": listing.fleet.as_ref().map(FleetNow::as_json),
        "not_shown": listing.more_attention + listing.all_calm.saturating_sub(listing.calm.len()),
    })
}

/// What a registry's list says of a circuit.
fn circuit_as_json(
    name: &str,
    key: Option<&str>,
    snapshot: &breaker_layer::Snapshot,
    said: Option<&Said>,
) -> serde_json::Value {
    let mut value = serde_json::to_value(snapshot).unwrap_or_default();
    if let Some(object) = value.as_object_mut() {
        object.insert("circuit".into(), name.into());
        if let Some(key) = key {
            object.insert("key".into(), key.into());
        }
        if let Some(said) = said {
            object.insert("fleet".into(), said.as_json());
        }
    }
    value
}

impl<B: http_body::Body> tower_service::Service<Request<B>> for Console {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = ResponseFuture<B>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> ResponseFuture<B> {
        let (parts, body) = request.into_parts();
        match self.admit(&parts) {
            Ok(who) => ResponseFuture::reading(self.clone(), parts, who, body),
            Err(answer) => ResponseFuture::ready(*answer),
        }
    }
}

impl fmt::Debug for Console {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Console")
            .field("takes_commands", &self.gate.is_some())
            .finish_non_exhaustive()
    }
}
