internal import Detection
internal import NetworkTypes

extension Ledger {
    /// What the ledger remembers of an attack under way.
    struct FollowedAttack {
        private(set) var attack: Attack
        /// Bits per second beside the target's usual traffic, at its worst.
        private(set) var severity: Double
        /// An operator withdrew its rules: no more are made until it is over.
        var isOverruled = false
        /// Refusals already reported, so that an attack of an hour is not refused 3600 times.
        var reported: Set<Refusal.Reason> = []
        /// What it is answered with, for each prefix that it is aimed at.
        var plans: [IPPrefix: FollowedPlan] = [:]
        /// It was under way when a former daemon stopped.
        var isResumed = false
        /// Where it stands on the ladder; nil where there is none, or it was not looked at yet.
        var climb: Climb?
        /// What the ladder's conditions are held against.
        var power = AttackPower()
        /// How long its rules stay at least.
        var banTime: Duration?
        /// What its rules' effect is held against.
        var most = StrongestTraffic()
        /// How often it was wrong to ease its rules before.
        var failedProbes: UInt8 = 0

        init(attack: Attack) {
            self.attack = attack
            severity = attack.excess(.bits, of: attack.peak)
        }

        /// As the attack is now.
        mutating func take(_ attack: Attack) {
            self.attack = attack
            severity = attack.excess(.bits, of: attack.peak)
        }
    }
}
