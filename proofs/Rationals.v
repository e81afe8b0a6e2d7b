(* Rational numbers to compute with: a numerator over a positive denominator in binary, and what they are in an ordered
   field. In words: certificates.md. *)
From Coq Require Import ZArith Lia.
From mathcomp Require Import all_ssreflect all_algebra.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Delimit Scope Z_scope with BZ.

Record num := Num { top : Z; bot : positive }.

(* Common factors of two first, since most numbers are dyadic; others only where the denominator is no power of two. *)
Fixpoint strip (p q : positive) : positive * positive :=
  match p, q with xO p', xO q' => strip p' q' | _, _ => (p, q) end.
Fixpoint dyadic (p : positive) : bool := match p with xH => true | xO p' => dyadic p' | xI _ => false end.
Definition reduce (x : num) : num :=
  match x with
  | Num Z0 _ => Num 0 1
  | Num (Zpos p) q =>
      let: (p1, q1) := strip p q in
      if dyadic q1 then Num (Zpos p1) q1 else let: (_, (p2, q2)) := Pos.ggcd p1 q1 in Num (Zpos p2) q2
  | Num (Zneg p) q =>
      let: (p1, q1) := strip p q in
      if dyadic q1 then Num (Zneg p1) q1 else let: (_, (p2, q2)) := Pos.ggcd p1 q1 in Num (Zneg p2) q2
  end.

Definition zero : num := Num 0 1.
Definition one : num := Num 1 1.
Definition add (x y : num) : num :=
  match top x, top y with
  | Z0, _ => y
  | _, Z0 => x
  | a, b => if Pos.eqb (bot x) (bot y) then reduce (Num (a + b) (bot x))
            else reduce (Num (a * Zpos (bot y) + b * Zpos (bot x)) (bot x * bot y))
  end.
Definition mul (x y : num) : num :=
  match top x, top y with
  | Z0, _ | _, Z0 => zero
  | a, b => reduce (Num (a * b) (bot x * bot y))
  end.
Definition opp (x : num) : num := Num (- top x) (bot x).
Definition inv (x : num) : num :=
  match top x with Z0 => zero | Zpos p => Num (Zpos (bot x)) p | Zneg p => Num (Zneg (bot x)) p end.
Definition is0 (x : num) : bool := if top x is Z0 then true else false.
Definition ge0 (x : num) : bool := if top x is Zneg _ then false else true.
Definition gt0 (x : num) : bool := if top x is Zpos _ then true else false.
Definition le (x y : num) : bool := ge0 (add y (opp x)).
Definition abs (x : num) : num := if ge0 x then x else opp x.
Definition integral (x : num) : bool := Z.eqb (Z.modulo (top x) (Zpos (bot x))) 0.
Definition floor (x : num) : Z := Z.div (top x) (Zpos (bot x)).

Section Values.
Local Open Scope ring_scope.
Variable R : realFieldType.

Definition PR (p : positive) : R := (Pos.to_nat p)%:R.
Definition ZR (z : Z) : R := match z with Z0 => 0 | Zpos p => PR p | Zneg p => - PR p end.
Definition value (x : num) : R := ZR (top x) / PR (bot x).

Lemma PR_gt0 p : 0 < PR p.
Proof. by rewrite /PR ltr0n; apply/ssrnat.ltP; lia. Qed.

Lemma PR_neq0 p : PR p != 0.
Proof. by rewrite gt_eqF ?PR_gt0. Qed.

Lemma PR_mul p q : PR (p * q) = PR p * PR q.
Proof. by rewrite /PR Pos2Nat.inj_mul -natrM. Qed.

Lemma ZR_nat a : ZR (Z.of_nat a) = a%:R.
Proof. by case: a => // a; rewrite /ZR /PR /= SuccNat2Pos.id_succ. Qed.

Lemma ZR_opp z : ZR (- z) = - ZR z.
Proof. by case: z => [|p|p] /=; rewrite ?oppr0 ?opprK. Qed.

Lemma ZR_sub a b : ZR (Z.of_nat a - Z.of_nat b) = a%:R - b%:R.
Proof.
wlog: a b / (b <= a)%N => [wlog_le|le_ba].
  have [/wlog_le//|lt_ab] := leqP b a.
  have -> : (Z.of_nat a - Z.of_nat b = - (Z.of_nat b - Z.of_nat a))%BZ by lia.
  by rewrite ZR_opp wlog_le ?opprB // ltnW.
have -> : (Z.of_nat a - Z.of_nat b)%BZ = Z.of_nat (a - b)%N by move/ssrnat.leP: le_ba => ?; rewrite Nat2Z.inj_sub.
by rewrite ZR_nat natrB.
Qed.

Lemma as_difference z : exists a b, z = (Z.of_nat a - Z.of_nat b)%BZ.
Proof. by exists (Z.to_nat z), (Z.to_nat (- z)); lia. Qed.

Lemma ZR_add x y : ZR (x + y) = ZR x + ZR y.
Proof.
have [a [b ->]] := as_difference x; have [c [d ->]] := as_difference y.
have -> : (Z.of_nat a - Z.of_nat b + (Z.of_nat c - Z.of_nat d))%BZ = (Z.of_nat (a + c) - Z.of_nat (b + d))%BZ.
  by rewrite !Nat2Z.inj_add; lia.
by rewrite !ZR_sub !natrD opprD addrACA.
Qed.

Lemma ZR_mul x y : ZR (x * y) = ZR x * ZR y.
Proof.
case: x => [|p|p]; case: y => [|q|q]; rewrite /= ?mul0r ?mulr0 ?PR_mul //; first by rewrite mulrN.
  by rewrite mulNr.
by rewrite mulrNN.
Qed.

Lemma ZR_int z : exists k : int, ZR z = k%:~R.
Proof.
have [a [b ->]] := as_difference z; exists (Posz a - Posz b).
by rewrite ZR_sub rmorphB.
Qed.

Lemma value_eq t b t' b' : (t * Zpos b' = t' * Zpos b)%BZ -> value (Num t b) = value (Num t' b').
Proof.
move=> e; rewrite /value /=; apply/eqP; rewrite eqr_div ?PR_neq0 //; apply/eqP.
have P p : PR p = ZR (Zpos p) by [].
by rewrite !P -!ZR_mul e.
Qed.

Lemma stripP p q : let: (p1, q1) := strip p q in (p * q1 = p1 * q)%positive.
Proof. by elim: p q => [p IH|p IH|] [q|q|] //=; have := IH q; case: (strip p q) => p1 q1 ?; lia. Qed.

Lemma value_reduce x : value (reduce x) = value x.
Proof.
have gcdP p q : let: (_, (p2, q2)) := Pos.ggcd p q in (p * q2 = p2 * q)%positive.
  have := Pos.ggcd_correct_divisors p q; case: (Pos.ggcd p q) => g [p2 q2] /= [-> ->].
  nia.
case: x => [[|p|p] q] /=; first by rewrite /value /= !mul0r.
  have := stripP p q; case: (strip p q) => p1 q1 e1.
  case: dyadic; first by apply: value_eq; lia.
  have := gcdP p1 q1; case: (Pos.ggcd p1 q1) => g [p2 q2] e2.
  transitivity (value (Num (Zpos p1) q1)); apply: value_eq; lia.
have := stripP p q; case: (strip p q) => p1 q1 e1.
case: dyadic; first by apply: value_eq; lia.
have := gcdP p1 q1; case: (Pos.ggcd p1 q1) => g [p2 q2] e2.
transitivity (value (Num (Zneg p1) q1)); apply: value_eq; lia.
Qed.

Lemma value0 : value zero = 0.
Proof. by rewrite /value mul0r. Qed.

Lemma value1 : value one = 1.
Proof. by rewrite /value /= divff ?PR_neq0. Qed.

Lemma valueD x y : value (add x y) = value x + value y.
Proof.
have common (a b : Z) (p : positive) : value (Num (a + b) p) = value (Num a p) + value (Num b p).
  by rewrite /value /= ZR_add mulrDl.
have any (a b : Z) (p q : positive) : value (Num (a * Zpos q + b * Zpos p) (p * q)) = value (Num a p) + value (Num b q).
  rewrite common; congr (_ + _); apply: value_eq; lia.
have zero_top (p : positive) : value (Num 0 p) = 0 by rewrite /value mul0r.
case: x y => [a p] [b q].
by case: a => [|a|a]; case: b => [|b|b]; cbv beta iota delta [add top bot];
  rewrite ?zero_top ?add0r ?addr0 //; case: Pos.eqb_spec => [->|_]; rewrite value_reduce ?any -?common.
Qed.

Lemma valueM x y : value (mul x y) = value x * value y.
Proof.
have any (a b : Z) (p q : positive) : value (Num (a * b) (p * q)) = value (Num a p) * value (Num b q).
  by rewrite /value /= ZR_mul PR_mul invfM mulrACA.
have zero_top (p : positive) : value (Num 0 p) = 0 by rewrite /value mul0r.
case: x y => [a p] [b q].
by case: a => [|a|a]; case: b => [|b|b]; cbv beta iota delta [mul top bot];
  rewrite ?zero_top ?value0 ?mul0r ?mulr0 // value_reduce any.
Qed.

Lemma valueN x : value (opp x) = - value x.
Proof. by rewrite /value /= ZR_opp mulNr. Qed.

Lemma valueV x : value (inv x) = (value x)^-1.
Proof.
case: x => [[|a|a] p]; rewrite /value /inv /= ?mul0r ?invr0 ?mul0r // invfM invrK mulrC //.
by rewrite invrN mulrN mulNr.
Qed.

Lemma value_is0 x : is0 x = (value x == 0).
Proof.
case: x => [[|a|a] p]; rewrite /is0 /value /=; first by rewrite mul0r eqxx.
  by rewrite mulf_eq0 invr_eq0 !(negbTE (PR_neq0 _)).
by rewrite mulf_eq0 invr_eq0 oppr_eq0 !(negbTE (PR_neq0 _)).
Qed.

Lemma value_gt0 x : gt0 x = (0 < value x).
Proof.
case: x => [[|a|a] p]; rewrite /gt0 /value /=; first by rewrite mul0r ltxx.
  by rewrite divr_gt0 ?PR_gt0.
by rewrite ltNge mulNr oppr_le0 divr_ge0 ?ltW ?PR_gt0.
Qed.

Lemma value_ge0 x : ge0 x = (0 <= value x).
Proof.
case: x => [[|a|a] p]; rewrite /ge0 /value /=; first by rewrite mul0r lexx.
  by rewrite divr_ge0 ?ltW ?PR_gt0.
by rewrite leNgt mulNr oppr_lt0 divr_gt0 ?PR_gt0.
Qed.

Lemma value_le x y : le x y = (value x <= value y).
Proof. by rewrite /le value_ge0 valueD valueN subr_ge0. Qed.

Lemma value_abs x : value (abs x) = `|value x|.
Proof.
rewrite /abs; case: ifP; rewrite value_ge0 => x0; first by rewrite ger0_norm.
by rewrite valueN ltr0_norm // ltNge x0.
Qed.

Lemma integralP x : integral x -> exists k : int, value x = k%:~R.
Proof.
case: x => t b; rewrite /integral /= => /Z.eqb_spec /Z.mod_divide[//|k ->].
by have [i e] := ZR_int k; exists i; rewrite /value /= ZR_mul mulfK ?PR_neq0.
Qed.

Lemma ZR_le x y : (x <= y)%BZ -> ZR x <= ZR y.
Proof.
move=> le_xy; rewrite -subr_ge0 -ZR_opp -ZR_add; have : (0 <= y + - x)%BZ by lia.
by case: (y + - x)%BZ => [|p|p] //= _; rewrite ?lexx ?ltW ?PR_gt0.
Qed.

(* An integer that is at most x is at most its floor, which is at most x. *)
Lemma floor_le x : ZR (floor x) <= value x.
Proof.
case: x => t b; rewrite /floor /value /= ler_pdivl_mulr ?PR_gt0 //.
have -> : PR b = ZR (Zpos b) by [].
by rewrite -ZR_mul; apply: ZR_le; have := Z.mul_div_le t (Zpos b); lia.
Qed.

Lemma le_floor x (k : int) : k%:~R <= value x -> k%:~R <= ZR (floor x).
Proof.
move=> le_kx; pose z := match k with Posz a => Z.of_nat a | Negz a => (- Z.of_nat a.+1)%BZ end.
have ez : k%:~R = ZR z.
  by rewrite /z; case: k {le_kx z} => a; rewrite ?ZR_opp ZR_nat // NegzE mulrNz.
move: le_kx; rewrite ez; case: x => t b; rewrite /floor /value /= ler_pdivl_mulr ?PR_gt0 // => le_kx.
apply: ZR_le; apply: Z.div_le_lower_bound => //; apply/Z.nlt_ge => lt.
have : ZR (t + 1) <= ZR (Zpos b * z) by apply: ZR_le; lia.
rewrite ZR_add ZR_mul mulrC /= => le2; have := le_trans le2 le_kx.
by rewrite -ler_subr_addl subrr leNgt /PR /= ltr01.
Qed.

End Values.
