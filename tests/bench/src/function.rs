//! A receiver as Lambda runs it: a process that asks the Runtime API for deliveries.

use crate::error::{BenchError, Doing};
use crate::event::{SECRET, http_event, question_event};
use crate::process::{self, Cpu};
use crate::runtime_api::{Progress, RuntimeApi};
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, Instant};
use terrace_store::Job;
use terrace_terra::SigningSecret;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{Child, Command};
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// Longer than anything here takes that works at all.
const PATIENCE: Duration = Duration::from_secs(180);

/// How to start a receiver.
#[derive(Debug, Clone)]
pub struct Program {
    /// What to run.
    pub command: PathBuf,
    /// Its arguments.
    pub arguments: Vec<OsString>,
}

/// What came back of a delivery.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The HTTP status.
    pub status: u64,
    /// The HTTP body.
    pub body: String,
    /// From handing the delivery over to the answer.
    pub took: Duration,
}

impl Answer {
    /// The answer, if it says that the delivery was stored.
    ///
    /// # Errors
    ///
    /// When it says anything else.
    pub fn stored(self) -> Result<Self, BenchError> {
        let said: Value = serde_json::from_str(&self.body).unwrap_or_default();
        let stored = said.get("status").and_then(Value::as_str) == Some("stored");
        if self.status == 200 && stored { Ok(self) } else { Err(self.unexpected("200 and status stored")) }
    }

    /// The error that this is not what was expected.
    pub fn unexpected(self, expected: &'static str) -> BenchError {
        BenchError::Answer { status: self.status, expected, body: self.body }
    }
}

/// A running receiver. It is killed when dropped.
pub struct Function {
    child: Child,
    pid: u32,
    api: RuntimeApi,
    secret: SigningSecret,
    /// From the spawn to the first poll.
    pub started_in: Duration,
    output: [JoinHandle<Output>; 2],
}

/// What a receiver wrote.
#[derive(Debug, Default)]
struct Output {
    bytes: u64,
    last: VecDeque<u8>,
}

impl Function {
    /// Starts a receiver and waits until it asks for its first delivery.
    ///
    /// # Errors
    ///
    /// When it cannot be started, ends, or says that it failed.
    pub async fn start(program: &Program, environment: &[(&'static str, String)]) -> Result<Self, BenchError> {
        let secret = SigningSecret::new(SECRET).map_err(|error| BenchError::NoFigure(error.to_string()))?;
        let api = RuntimeApi::start().await?;
        let mut command = Command::new(&program.command);
        command
            .args(&program.arguments)
            .env_clear()
            .envs(std::env::vars().filter(|(name, _)| matches!(name.as_str(), "PATH" | "HOME" | "LANG")))
            .envs(environment.iter().map(|(name, value)| (name, value)))
            .envs(lambda_environment(&api))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        let spawned = Instant::now();
        let mut child = command.spawn().doing(&format!("start {}", program.command.display()))?;
        let pid = child.id().unwrap_or_default();
        let output = [tokio::spawn(read(child.stdout.take())), tokio::spawn(read(child.stderr.take()))];
        let mut function = Self { child, pid, api, secret, started_in: Duration::ZERO, output };
        let started = function.polled(1).await?;
        function.started_in = started.first_poll.map_or(Duration::ZERO, |first| first.duration_since(spawned));
        Ok(function)
    }

    /// Waits until the receiver has asked so often.
    async fn polled(&mut self, polls: u64) -> Result<Progress, BenchError> {
        let mut progress = self.api.progress();
        let reached = progress.wait_for(|progress| progress.polls >= polls || progress.failed.is_some());
        let reached = tokio::select! {
            reached = timeout(PATIENCE, reached) => reached
                .map_err(|_| BenchError::TooLong("a receiver's poll"))?
                .map(|progress| progress.clone())
                .map_err(|error| BenchError::Receiver(error.to_string()))?,
            ended = self.child.wait() => return Err(self.ended(&format!("{ended:?}")).await),
        };
        match reached.failed {
            Some(failed) => Err(self.ended(&failed).await),
            None => Ok(reached),
        }
    }

    /// The error of a receiver that is no more, with its last words.
    async fn ended(&mut self, how: &str) -> BenchError {
        // It may have ended already.
        drop(self.child.kill().await);
        let mut words = String::new();
        for output in &mut self.output {
            let last: Vec<u8> = output.await.unwrap_or_default().last.into();
            words.push_str(&String::from_utf8_lossy(&last));
        }
        BenchError::Receiver(format!("{how}; it last wrote: {words}"))
    }

    /// Hands one delivery over and waits for its answer.
    ///
    /// # Errors
    ///
    /// When there is none.
    pub async fn deliver(&mut self, body: &str, number: u64) -> Result<Answer, BenchError> {
        let event = http_event(body, number, &self.secret);
        self.request(event).await
    }

    /// Asks one question and waits for its answer.
    ///
    /// # Errors
    ///
    /// When there is none.
    pub async fn ask(&mut self, path: &str, query: &str) -> Result<Answer, BenchError> {
        self.request(question_event(path, query)).await
    }

    async fn request(&mut self, event: String) -> Result<Answer, BenchError> {
        let (answer, took) = self.invoke(event).await?;
        Ok(Answer {
            status: answer.get("statusCode").and_then(Value::as_u64).unwrap_or(0),
            body: answer.get("body").and_then(Value::as_str).unwrap_or_default().to_owned(),
            took,
        })
    }

    /// Hands one job over, as SQS hands it to the worker, and waits until it is done. Says how long it took.
    ///
    /// # Errors
    ///
    /// When it is not done.
    pub async fn work(&mut self, job: &Job) -> Result<Duration, BenchError> {
        let message = serde_json::to_string(job).unwrap_or_default();
        let batch = json!({"Records": [{"messageId": "1", "body": message}]});
        let (answer, took) = self.invoke(batch.to_string()).await?;
        match answer.get("batchItemFailures").and_then(Value::as_array) {
            Some(failed) if failed.is_empty() => Ok(took),
            _ => Err(self.ended("the job was not done").await),
        }
    }

    /// Hands an event over and waits for its answer, in JSON.
    async fn invoke(&mut self, event: String) -> Result<(Value, Duration), BenchError> {
        let handed_over = Instant::now();
        let answered = self.api.invoke(event);
        let answered = tokio::select! {
            answered = timeout(PATIENCE, answered) => answered.map_err(|_| BenchError::TooLong("an answer"))?,
            ended = self.child.wait() => return Err(self.ended(&format!("{ended:?}")).await),
        };
        let (at, answered) = answered.map_err(|error| BenchError::Receiver(error.to_string()))?;
        match answered {
            Ok(bytes) => Ok((serde_json::from_slice(&bytes).unwrap_or_default(), at.duration_since(handed_over))),
            Err(error) => Err(self.ended(&error).await),
        }
    }

    /// The CPU time used so far, once the receiver has done all that was asked and waits for more.
    ///
    /// # Errors
    ///
    /// When the process is gone.
    pub async fn cpu(&mut self) -> Result<Cpu, BenchError> {
        self.polled(self.api.invocations() + 1).await?;
        Cpu::of(self.pid)
    }

    /// The most memory it has had, in bytes.
    ///
    /// # Errors
    ///
    /// When the process is gone.
    pub fn peak_memory(&self) -> Result<u64, BenchError> {
        process::peak_memory(self.pid)
    }

    /// Ends the receiver, and says how many bytes it has written in all.
    ///
    /// # Errors
    ///
    /// When it cannot be ended.
    pub async fn finish(mut self) -> Result<u64, BenchError> {
        self.polled(self.api.invocations() + 1).await?;
        self.child.kill().await.doing("end the receiver")?;
        let mut bytes = 0;
        for output in &mut self.output {
            bytes += output.await.map(|output| output.bytes).unwrap_or_default();
        }
        Ok(bytes)
    }
}

/// What Lambda sets.
fn lambda_environment(api: &RuntimeApi) -> [(&'static str, String); 7] {
    [
        ("AWS_LAMBDA_RUNTIME_API", api.address()),
        ("AWS_LAMBDA_FUNCTION_NAME", "bench".to_owned()),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "512".to_owned()),
        ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST".to_owned()),
        ("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/bench".to_owned()),
        ("AWS_LAMBDA_LOG_STREAM_NAME", "bench".to_owned()),
        ("TERRA_SIGNING_SECRET", SECRET.to_owned()),
    ]
}

/// Reads until the end; keeps the last few lines, for when something goes wrong.
async fn read(pipe: Option<impl AsyncRead + Unpin>) -> Output {
    const KEPT: usize = 2_000;
    let mut output = Output::default();
    let Some(mut pipe) = pipe else { return output };
    let mut buffer = vec![0; 16_384];
    while let Ok(read) = pipe.read(&mut buffer).await {
        if read == 0 {
            break;
        }
        output.bytes += u64::try_from(read).unwrap_or(0);
        output.last.extend(buffer.iter().take(read));
        let over = output.last.len().saturating_sub(KEPT);
        output.last.drain(..over);
    }
    output
}
