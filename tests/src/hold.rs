//! Holds one call of the store, so that a test can see to other things between two steps of what makes it.

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::Semaphore;

/// Which call is held: the first of those left to come that is of this kind, after so many others of it.
#[derive(Debug)]
struct Wanted {
    kind: Option<&'static str>,
    others: usize,
}

/// Holds a call before it is made. Clones are one.
#[derive(Debug, Clone)]
pub struct Hold(Arc<Held>);

#[derive(Debug)]
struct Held {
    wanted: Mutex<Option<Wanted>>,
    reached: Semaphore,
    released: Semaphore,
}

impl Default for Hold {
    fn default() -> Self {
        let (wanted, reached, released) = (Mutex::default(), Semaphore::new(0), Semaphore::new(0));
        Self(Arc::new(Held { wanted, reached, released }))
    }
}

impl Hold {
    /// Holds the `number`-th call from now on, the first being 1, whatever it is.
    pub fn at(&self, number: usize) {
        self.want(Wanted { kind: None, others: number - 1 });
    }

    /// Holds the `number`-th call of this kind from now on: `UpdateItem`, `PutObject`, `SendMessage` …
    pub fn on(&self, kind: &'static str, number: usize) {
        self.want(Wanted { kind: Some(kind), others: number - 1 });
    }

    fn want(&self, wanted: Wanted) {
        *self.0.wanted.lock().unwrap_or_else(PoisonError::into_inner) = Some(wanted);
    }

    /// Does `work` until its held call waits; what it came to where it made no such call. Dropped then, it is as if its
    /// process had died before the call.
    pub async fn until<T>(&self, work: Pin<&mut impl Future<Output = T>>) -> Option<T> {
        tokio::select! {
            biased;
            done = work => {
                *self.0.wanted.lock().unwrap_or_else(PoisonError::into_inner) = None;
                Some(done)
            }
            reached = self.0.reached.acquire() => {
                if let Ok(reached) = reached {
                    reached.forget();
                }
                None
            }
        }
    }

    /// Lets the held call go.
    pub fn let_go(&self) {
        self.0.released.add_permits(1);
    }

    /// Does `work`, and `meanwhile` while its held call waits: nothing of the work goes on then. `false` where the
    /// work made no such call.
    pub async fn during<T>(&self, work: impl Future<Output = T>, meanwhile: impl Future<Output = ()>) -> (T, bool) {
        let mut work = pin!(work);
        if let Some(done) = self.until(work.as_mut()).await {
            return (done, false);
        }
        meanwhile.await;
        self.let_go();
        (work.await, true)
    }

    /// A call of this kind comes by.
    pub(crate) async fn pass(&self, kind: &str) {
        let held = {
            let mut place = self.0.wanted.lock().unwrap_or_else(PoisonError::into_inner);
            match place.as_mut().filter(|wanted| wanted.kind.is_none_or(|wanted| wanted == kind)) {
                Some(wanted) if wanted.others > 0 => {
                    wanted.others -= 1;
                    false
                }
                Some(_) => place.take().is_some(),
                None => false,
            }
        };
        if held {
            self.0.reached.add_permits(1);
            if let Ok(released) = self.0.released.acquire().await {
                released.forget();
            }
        }
    }

    /// An HTTP client whose calls come by here before they are made.
    pub(crate) fn before(&self, inner: SharedHttpClient) -> SharedHttpClient {
        SharedHttpClient::new(HeldClient { inner, hold: self.clone() })
    }
}

#[derive(Debug)]
struct HeldClient {
    inner: SharedHttpClient,
    hold: Hold,
}

impl HttpClient for HeldClient {
    fn http_connector(&self, settings: &HttpConnectorSettings, components: &RuntimeComponents) -> SharedHttpConnector {
        let inner = self.inner.http_connector(settings, components);
        SharedHttpConnector::new(HeldConnector { inner, hold: self.hold.clone() })
    }
}

#[derive(Debug)]
struct HeldConnector {
    inner: SharedHttpConnector,
    hold: Hold,
}

impl HttpConnector for HeldConnector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let (inner, hold) = (self.inner.clone(), self.hold.clone());
        HttpConnectorFuture::new(async move {
            let target = request.headers().get("x-amz-target").unwrap_or_default();
            hold.pass(target.rsplit('.').next().unwrap_or_default()).await;
            inner.call(request).await
        })
    }
}
