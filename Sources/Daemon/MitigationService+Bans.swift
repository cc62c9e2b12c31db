import Compatibility
import Detection
import Mitigation
import NetworkTypes
import Store

/// Is told of bans as FastNetMon's scripts and its log are; must return at once.
protocol BanFollower: Sendable {
    func take(_ calls: [BanCall])
}

/// What FastNetMon would call a ban. It says nothing of which rules there are: those are the ledger's.
extension MitigationService {
    /// To be called when what there is to announce has been.
    func tellBans(of tick: EngineTick) {
        guard !followers.isEmpty else { return }
        let policy = ledger.policy
        var calls: [BanCall] = []
        for event in tick.events where isEnd(event) || isActedOn(event.attack, policy) {
            calls += bans.handle(event, opposite: tick.opposite[event.attack.id] ?? TrafficRates(), at: tick.time)
        }
        let terms = BanList.Terms(banTime: policy.banTime, onlyIfFinished: policy.unbanOnlyIfAttackFinished)
        tell(calls + bans.advance(to: tick.time, terms))
    }

    /// Never blocks.
    func tell(_ calls: [BanCall]) {
        guard !calls.isEmpty else { return }
        for follower in followers { follower.take(calls) }
    }

    /// Those of a former daemon, which has told of their beginning.
    func resumeBans(_ remains: Store.Remains, at time: Timestamp) {
        guard !followers.isEmpty else { return }
        let policy = ledger.policy
        for attack in remains.attacks where isActedOn(attack, policy) && !remains.overruled.contains(attack.id) {
            for target in attack.target.prefixes {
                bans.resume(attack, on: target, since: min(attack.began, time), isUnderWay: true)
            }
        }
        for entry in remains.entries where entry.state != .withdrawn {
            for case .attack(let id) in entry.requesters where !remains.attacks.contains(where: { $0.id == id }) {
                guard let attack = pastAttack(id), attack.target.prefixes.contains(entry.target) else { continue }
                let since = min(entry.announced ?? entry.created, time)
                bans.resume(attack, on: entry.target, since: since, isUnderWay: false)
            }
        }
    }

    /// Whether an attack is acted on, by whomever: where none are that this daemon answers, the scripts are who does.
    private func isActedOn(_ attack: Attack, _ policy: MitigationPolicy) -> Bool {
        let isSpared = attack.target.prefixes.contains { target in policy.whitelist.contains { $0.contains(target) } }
        return !isSpared && (policy.kinds.isEmpty || policy.actsOn(attack.kind))
    }

    private func isEnd(_ event: AttackEvent) -> Bool {
        if case .ended = event { true } else { false }
    }
}
