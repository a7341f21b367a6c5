//! stub until the edges branch is merged
use crate::options::BrokerOptions;
/// stub
#[derive(Debug, Clone)]
pub struct CredentialSource(BrokerOptions);
impl CredentialSource {
    /// stub
    pub async fn get(&self) -> Result<BrokerOptions, SupervisorError> {
        Ok(self.0.clone())
    }
}
/// stub
#[derive(Debug, thiserror::Error)]
pub enum SupervisorError {
    /// stub
    #[error("x")]
    ServiceNotEnabled,
}
/// stub
#[derive(Debug, PartialEq)]
pub enum Patience {
    /// stub
    Normal,
    /// stub
    Slow,
}
impl SupervisorError {
    /// stub
    pub fn kind(&self) -> &'static str {
        "x"
    }
    /// stub
    pub fn patience(&self) -> Patience {
        Patience::Normal
    }
}
